/* The program that tests of "psapi watch" run. The first argument selects its behavior. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
static char *map(long pages) {
    /* A memfd, because not every kernel can name private memory. */
    int fd = memfd_create("arranged", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, pages * 4096)) { perror("memfd"); _exit(99); }
    char *p = mmap(0, pages * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _exit(99); }
    return p;
}
__attribute__((noinline)) void touch_many(char *p, long pages) {
    for (long i = 0; i < pages; i++) ((volatile char *)p)[i * 4096] = 1;
}
__attribute__((noinline)) void touch_few(char *p, long pages) {
    for (long i = 0; i < pages; i++) ((volatile char *)p)[i * 4096] = 1;
}
static void *thread(void *p) {
    prctl(PR_SET_NAME, "a\nthread");
    touch_few(p, 40);
    return 0;
}
static char *self;
/* Functions of the threads other than the first one. */
static void *exec_in_thread(void *argument) {
    (void)argument;
    touch_few(map(30), 30);
    execl(self, self, "account", (char *)0);
    return 0;
}
static void *fork_in_thread(void *argument) {
    (void)argument;
    pid_t child = fork();
    if (!child) { touch_many(map(120), 120); _exit(3); }
    waitpid(child, 0, 0);
    return 0;
}
static void *outlive_leader(void *argument) {
    /* Until the first thread is a zombie. */
    char path[64], text[256];
    sprintf(path, "/proc/%d/stat", getpid());
    for (;;) {
        FILE *file = fopen(path, "r");
        if (!file || !fgets(text, sizeof text, file)) _exit(1);
        fclose(file);
        if (strstr(text, ") Z ")) break;
        usleep(1000);
    }
    touch_many(map(120), 120);
    (void)argument;
    _exit(0);
}
static _Atomic int waiting_thread;
static void *wait_in_thread(void *argument) {
    (void)argument;
    waiting_thread = gettid();
    for (;;) pause();
    return 0;
}
static int is_stopped(pid_t process, pid_t thread) {
    char path[64], text[256];
    sprintf(path, "/proc/%d/task/%d/stat", process, thread);
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, sizeof text, file)) _exit(1);
    fclose(file);
    return strstr(text, ") T ") || strstr(text, ") t ");
}
static void ignore(int signal) { (void)signal; }
static void start_thread(void *(*run)(void *), int waits) {
    pthread_t id;
    if (pthread_create(&id, 0, run, 0)) { perror("pthread_create"); _exit(96); }
    if (waits) pthread_join(id, 0);
}
static void wait_for_input(void) { char c; if (read(0, &c, 1) != 1) _exit(0); }
static void print_line(void) { if (write(1, ".\n", 2) != 2) _exit(98); }
/* Maps pages without a fault. Linux before 5.14 requires mlock for that. */
static void populate(char *p, size_t size) {
    if (madvise(p, size, MADV_POPULATE_WRITE) && (mlock(p, size) || munlock(p, size))) _exit(97);
}
int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    self = argv[0];
    if (!strcmp(what, "touch")) {
        char *p = map(500);
        touch_many(p, 300);
        touch_few(p + 300 * 4096, 70);
        _exit(argc > 2 ? atoi(argv[2]) : 0);
    }
    if (!strcmp(what, "create")) return !fopen(argv[2], "w");
    if (!strcmp(what, "copy")) {
        for (int c; (c = getchar()) != EOF;) putchar(c);
        fputs("error\n", stderr);
    }
    if (!strcmp(what, "account")) {
        /* 200 pages enter by faults, 50 of them are dropped, 100 enter without a fault. */
        char *p = map(200);
        touch_many(p, 200);
        madvise(p + 10 * 4096, 50 * 4096, MADV_DONTNEED);
        char *q = map(100);
        populate(q, 100 * 4096);
        _exit(0);
    }
    if (!strcmp(what, "running")) {
        char *p = map(400), *q = map(100), *r = map(64);
        touch_few(r, 64);
        print_line(); wait_for_input();
        touch_many(p, 200);
        populate(q, 100 * 4096);
        madvise(r, 64 * 4096, MADV_DONTNEED);
        print_line(); wait_for_input();
    }
    if (!strcmp(what, "churn")) {
        /* Without a pause, until the process is killed. */
        print_line();
        for (;;) {
            char *p = mmap(0, 400 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            madvise(p, 400 * 4096, MADV_NOHUGEPAGE);
            touch_few(p, 400);
            munmap(p, 400 * 4096);
        }
    }
    if (!strcmp(what, "thread")) {
        pthread_t id;
        pthread_create(&id, 0, thread, map(40));
        pthread_join(id, 0);
        _exit(0);
    }
    if (!strcmp(what, "exit-in-thread")) {
        pthread_t id;
        void *(*end)(void *) = (void *(*)(void *))_exit;
        touch_many(map(100), 100);
        pthread_create(&id, 0, end, (void *)7);
        pthread_join(id, 0);
        for (;;) pause();
    }
    if (!strcmp(what, "fork")) {
        pid_t child = fork();
        if (!child) { touch_many(map(120), 120); _exit(3); }
        waitpid(child, 0, 0);
        _exit(0);
    }
    if (!strcmp(what, "exec-running")) {
        print_line(); wait_for_input();
        execl(argv[0], argv[0], "running", (char *)0);
    }
    if (!strcmp(what, "exec")) {
        touch_few(map(30), 30);
        execl(argv[0], argv[0], "touch", "5", (char *)0);
    }
    if (!strcmp(what, "exec-in-thread")) start_thread(exec_in_thread, 1);
    if (!strcmp(what, "fork-in-thread")) { start_thread(fork_in_thread, 1); _exit(0); }
    if (!strcmp(what, "outlive-leader")) { start_thread(outlive_leader, 0); pthread_exit(0); }
    if (!strcmp(what, "real-time-signal")) {
        struct sigaction action = {.sa_handler = ignore};
        sigaction(SIGRTMIN, &action, 0);
        raise(SIGRTMIN);
        touch_many(map(200), 200);
        _exit(9);
    }
    if (!strcmp(what, "programs")) {
        /* Runs itself twice, in two ways; the second run touches 300 + 70 pages. */
        pid_t child = fork();
        if (!child) execl(argv[0], argv[0], "fork", (char *)0);
        waitpid(child, 0, 0);
        child = vfork();
        if (!child) { execl(argv[0], argv[0], "touch", (char *)0); _exit(95); }
        waitpid(child, 0, 0);
        _exit(0);
    }
    if (!strcmp(what, "heap")) {
        /* The first heap lives long enough to be sampled, the second one does not. Without huge
           pages, each page has a fault. */
        prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
        char *p = sbrk(4096);
        touch_few(p, 1);
        usleep(200000);
        p = sbrk(1000 * 4096);
        touch_many(p, 1000);
        sbrk(-1000 * 4096);
        _exit(0);
    }
    if (!strcmp(what, "kill")) kill(getpid(), atoi(argv[2]));
    if (!strcmp(what, "stop") || !strcmp(what, "stop-threads")) {
        int has_threads = !strcmp(what, "stop-threads");
        for (int i = 0; has_threads && i < 8; i++) {
            waiting_thread = 0;
            start_thread(wait_in_thread, 0);
            while (!waiting_thread) usleep(1000);
        }
        volatile char *continued =
            mmap(0, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        pid_t parent = getpid(), child = fork();
        if (!child && has_threads) {
            /* No event of the tracer stops a waiting thread, so the whole process has stopped. */
            while (!is_stopped(parent, waiting_thread)) usleep(1000);
            kill(parent, SIGCONT);
            _exit(0);
        }
        if (!child) {
            /* A fork also stops the parent for a moment, so one signal might be too early. */
            while (!is_stopped(parent, parent)) usleep(1000);
            while (!*continued) {
                kill(parent, SIGCONT);
                usleep(1000);
            }
            _exit(0);
        }
        raise(SIGSTOP);
        *continued = 1;
        waitpid(child, 0, 0);
        _exit(6);
    }
    if (!strcmp(what, "term")) {
        print_line();
        for (;;) pause();
    }
    return 0;
}
