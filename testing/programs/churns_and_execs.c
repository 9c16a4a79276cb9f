/* Changes mappings in three threads, and executes itself again every 20 ms. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static void *churn(void *seed) {
    unsigned state = (long)seed;
    for (;;) {
        size_t size = (1 + rand_r(&state) % 64) * 4096;
        char *p = mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, size);
        mlock(p, 4096);
        mprotect(p + size / 2, 4096, PROT_NONE);
        munmap(p, size);
    }
}
int main(int argc, char **argv) {
    pthread_t thread;
    if (argc == 1) { puts("up"); fflush(stdout); }
    for (long i = 0; i < 3; i++) pthread_create(&thread, 0, churn, (void *)i);
    usleep(20000);
    execl(argv[0], argv[0], "again", NULL);
}
