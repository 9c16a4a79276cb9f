/* Touches pages in the way that the first argument selects. Prints lines without new memory, so
   that each page fault is intended. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
static size_t pages;
static char *map(void) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
    char *p = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, pages * 4096, MADV_NOHUGEPAGE);
    return p;
}
static void touch(char *p) {
    for (size_t i = 0; i < pages; i++) p[i * 4096] = 1;
}
/* Prints a text without touching new pages. */
static void print_text(const char *text) {
    if (write(1, text, strlen(text)) < 0) _Exit(1);
}
static void wait_for_input(void) {
    char c;
    do { if (read(0, &c, 1) != 1) _Exit(0); } while (c != '\n');
}
static pthread_barrier_t begin;
static void *touch_own(void *waits) {
    if (waits) pthread_barrier_wait(&begin);
    char *p = map();
    touch(p);
    munmap(p, pages * 4096);
    return 0;
}
static atomic_int stop;
static void *churn(void *_) {
    char *p = map();
    while (!stop) { touch(p); madvise(p, pages * 4096, MADV_DONTNEED); }
    return 0;
}
int main(int argc, char **argv) {
    const char *what = argv[1];
    pages = atol(argv[2]);
    int threads = argc > 3 ? atoi(argv[3]) : 0;
    pthread_t ids[256];
    char text[256];
    if (!strcmp(what, "touch")) {
        char *p = map();
        sprintf(text, "%lu %d\n", (long)p, (int)syscall(SYS_gettid));
        for (;;) {
            print_text(text); wait_for_input();
            madvise(p, pages * 4096, MADV_DONTNEED);
            touch(p);
            strcpy(text, "done\n");
        }
    }
    if (!strcmp(what, "read")) {
        /* The kernel touches the pages in a system call. */
        char *p = map();
        int fd = open("/dev/zero", O_RDONLY);
        sprintf(text, "%lu\n", (long)p);
        print_text(text); wait_for_input();
        if (read(fd, p, pages * 4096) != (ssize_t)(pages * 4096)) return 1;
        print_text("done\n"); wait_for_input();
    }
    if (!strcmp(what, "file")) {
        int fd = open(argv[4], O_RDONLY);
        volatile char *p = mmap(0, pages * 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        if (p == MAP_FAILED) { perror(argv[4]); return 1; }
        /* No readahead: each page has a fault. */
        madvise((void *)p, pages * 4096, MADV_RANDOM);
        sprintf(text, "%lu\n", (long)p);
        print_text(text); wait_for_input();
        for (size_t i = 0; i < pages; i++) p[i * 4096];
        print_text("done\n"); wait_for_input();
    }
    if (!strcmp(what, "fork")) {
        char *p = map();
        print_text("ready\n"); wait_for_input();
        pid_t child = fork();
        if (!child) { touch(p); _Exit(0); }
        sprintf(text, "%d\n", child);
        waitpid(child, 0, 0);
        print_text(text); wait_for_input();
    }
    if (!strcmp(what, "churn")) {
        /* Without a pause, until the next line of input. */
        print_text("ready\n"); wait_for_input();
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, churn, 0);
        print_text("going\n"); wait_for_input();
        stop = 1;
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        print_text("done\n"); wait_for_input();
    }
    if (!strcmp(what, "threads-meanwhile")) {
        pthread_barrier_init(&begin, 0, threads + 1);
        print_text("ready\n");
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, touch_own, &begin);
        wait_for_input(); print_text("started\n"); wait_for_input();
        pthread_barrier_wait(&begin);
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        print_text("done\n"); wait_for_input();
    }
    if (!strcmp(what, "threads-before")) {
        pthread_barrier_init(&begin, 0, threads + 1);
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, touch_own, &begin);
        print_text("ready\n"); wait_for_input();
        pthread_barrier_wait(&begin);
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        print_text("done\n"); wait_for_input();
    }
    if (!strcmp(what, "threads-later")) {
        print_text("ready\n"); wait_for_input();
        for (int i = 0; i < threads; i++) pthread_create(&ids[i], 0, touch_own, 0);
        for (int i = 0; i < threads; i++) pthread_join(ids[i], 0);
        print_text("done\n"); wait_for_input();
    }
    return 0;
}
