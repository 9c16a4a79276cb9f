/* Writes to 32 MiB of memory shared with a child, which writes to 8 MiB of its own. Prints the
   child's id. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <signal.h>
#include <sys/prctl.h>
int main(void) {
    char *shared = mmap(0, 32 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    memset(shared, 1, 32 << 20);
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        char *own = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(own, 1, 8 << 20);
        volatile char sum = 0;
        for (int i = 0; i < 32 << 20; i += 4096) sum += shared[i];
        printf("%d\n", getpid()); fflush(stdout); for (;;) pause();
    }
    for (;;) pause();
}
