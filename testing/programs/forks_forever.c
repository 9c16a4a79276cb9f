/* Forks short-lived children until it reads input, with process ids of its choice if permitted.
   Arguments: the user, the first id, and whether to reserve 16 GiB of address space. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IDS = 4 };

static void sleep_us(long microseconds) {
    struct timespec time = { 0, microseconds * 1000 };
    nanosleep(&time, NULL);
}

/* As fork(), but with a process id for the child. With 0, the kernel chooses the id. */
static pid_t fork_as(pid_t id) {
    uint64_t ids = (uintptr_t)&id;
    struct clone_args arguments = { .exit_signal = SIGCHLD };
    if (id) {
        arguments.set_tid = ids;
        arguments.set_tid_size = 1;
    }
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

int main(int argc, char **argv) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uid_t user = atoi(argv[1]);
    pid_t first = atoi(argv[2]);
    setsid();
    /* The effective user stays, and with it the privilege to choose process ids. */
    setresuid(user, -1, -1);
    if (argc > 3)
        mmap(NULL, 1L << 34, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    pid_t child = fork_as(first);
    if (child == 0)
        _exit(0);
    /* EEXIST means that choosing is permitted, but the other parent is using the id. */
    int chooses = child > 0 || errno == EEXIST;
    if (child > 0)
        waitpid(child, NULL, 0);
    puts(chooses ? "chooses" : "takes");
    fflush(stdout);

    struct pollfd input = { .fd = 0, .events = POLLIN };
    long children = 0;
    for (unsigned turn = 0; poll(&input, 1, 0) == 0; turn++) {
        child = fork_as(chooses ? first + turn % IDS : 0);
        if (child < 0 && errno == ENOSYS)
            child = fork();
        if (child == 0) {
            /* Some live long enough for slow captures. */
            sleep_us(chooses || turn % 16 ? 200 + turn * 7919 % 1500 : 50000);
            _exit(0);
        }
        children += child > 0;
        sleep_us(child > 0 ? 300 : 30);
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
    }
    while (wait(NULL) > 0)
        ;
    printf("%ld\n", children);
    return 0;
}
