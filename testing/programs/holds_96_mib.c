/* Holds 96 MiB of small pages, which take long to free. The argument selects a single thread,
   several threads, or an exited group leader. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
static void *wait_forever(void *_) { for (;;) pause(); }
static void *print_ready_later(void *_) {
    /* By then, the group leader has exited or is about to. */
    usleep(20000);
    puts("ready"); fflush(stdout);
    for (;;) pause();
}
int main(int argc, char **argv) {
    const size_t size = 96 << 20;
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)) { perror("prctl"); return 1; }
    if (mmap(0, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) { perror("mmap"); return 1; }
    pthread_t id;
    if (strcmp(argv[1], "alone")) for (int i = 0; i < 8; i++) pthread_create(&id, 0, wait_forever, 0);
    if (!strcmp(argv[1], "exited leader")) {
        pthread_create(&id, 0, print_ready_later, 0);
        pthread_exit(0);
    }
    puts("ready"); fflush(stdout);
    for (;;) pause();
}
