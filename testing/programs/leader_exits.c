/* Prints a line once the group leader has exited. Before that, a second thread writes to as many
   MiB of memory as the argument states. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static pthread_t leader;
static void *stay(void *size) {
    pthread_join(leader, 0);
    if (size) {
        char *p = mmap(0, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED) _exit(1);
        memset(p, 1, (size_t)size);
    }
    puts("alone"); fflush(stdout);
    for (;;) pause();
}
int main(int argc, char **argv) {
    pthread_t other;
    leader = pthread_self();
    pthread_create(&other, 0, stay, (void *)(argc > 1 ? atol(argv[1]) << 20 : 0));
    pthread_exit(0);
}
