/* Maps six kinds of pages, shares some with a child process, and prints their addresses. The
   address of the locked pages is 0 if mlock failed. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>
static char *map(int protection, int flags, int fd) {
    char *p = mmap(0, 16 * 4096, protection, flags, fd, 0);
    if (p == MAP_FAILED) _exit(9);
    madvise(p, 16 * 4096, MADV_NOHUGEPAGE);
    return p;
}
static void touch(char *p) { for (int i = 0; i < 8; i++) p[i * 4096] = 1; }
int main(void) {
    int rw = PROT_READ | PROT_WRITE;
    int fd = memfd_create("pages", 0);
    if (ftruncate(fd, 16 * 4096)) return 1;
    char *private = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *readonly = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *none = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    char *shared = map(rw, MAP_SHARED, fd);
    char *copies = map(rw, MAP_PRIVATE, fd);
    char *locked = map(rw, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    touch(private); touch(readonly); touch(none); touch(shared); touch(locked);
    /* Four pages of the file, and four private copies. */
    volatile char sum = 0;
    for (int i = 0; i < 8; i++) sum += copies[i * 4096];
    for (int i = 0; i < 4; i++) copies[i * 4096] = 2;
    mprotect(readonly, 16 * 4096, PROT_READ);
    mprotect(none, 16 * 4096, PROT_NONE);
    if (mlock(locked, 8 * 4096)) locked = 0;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        munmap(copies, 16 * 4096);
        for (int i = 0; i < 8; i++) sum += shared[i * 4096];
        /* Copies the private pages, so that only the parent maps the originals. */
        touch(private);
        printf("%zx %zx %zx %zx %zx %zx\n", (size_t)private, (size_t)readonly, (size_t)none,
            (size_t)shared, (size_t)copies, (size_t)locked);
        fflush(stdout);
        pause();
    }
    getchar();
}
