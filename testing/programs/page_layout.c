/* Maps one range for each attribute of pages and prints their names, addresses and sizes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
static size_t mib = 1 << 20;
static volatile char sum;
static char *map(const char *name, size_t size, int flags, int fd) {
    /* Inaccessible pages keep the kernel from merging neighbors, and huge pages from forming. */
    char *p = mmap(0, size + 2 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p != MAP_FAILED)
        p = mmap(p + 4096, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, size, MADV_NOHUGEPAGE);
    printf("%s %lu %lu,", name, (long)p, size);
    return p;
}
static void read_all(const char *p, size_t size) {
    for (size_t i = 0; i < size; i += 4096) sum += p[i];
}
int main(int argc, char **argv) {
    int private = MAP_PRIVATE | MAP_ANONYMOUS, shared = MAP_SHARED | MAP_ANONYMOUS;

    /* The child shares the pages before the fork, and no others. */
    char *with_child = map("with_child", mib, shared, -1);
    memset(with_child, 1, mib);
    char *of_fork = map("of_fork", mib, private, -1);
    memset(of_fork, 1, mib);
    int ready[2];
    if (pipe(ready)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        read_all(with_child, mib);
        of_fork[mib / 2] = 2;
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
        _exit(0);
    }
    char c;
    if (read(ready[0], &c, 1) != 1) return 1;

    char *every_other = map("every_other", 8 * mib, private, -1);
    for (size_t i = 0; i < 8 * mib; i += 8192) every_other[i] = 1;
    char *zeros = map("zeros", 2 * mib, private, -1);
    read_all(zeros, 2 * mib);
    zeros[mib] = 1;
    memset(map("shared", 3 * mib, shared, -1), 1, 3 * mib);

    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (fd < 0) { perror(argv[1]); return 1; }
    for (size_t i = 0; i < 4; i++) {
        char block[1 << 20];
        memset(block, 1, sizeof block);
        if (write(fd, block, sizeof block) != sizeof block) return 1;
    }
    char *file = map("file", 4 * mib, MAP_PRIVATE, fd);
    read_all(file, 4 * mib);
    memset(file, 2, mib);
    fd = memfd_create("twice", 0);
    if (ftruncate(fd, mib)) return 1;
    memset(map("twice_a", mib, MAP_SHARED, fd), 1, mib);
    memset(map("twice_b", mib, MAP_SHARED, fd), 1, mib);

    char *locked = map("locked", mib / 16, private, -1);
    memset(locked, 1, mib / 16);
    if (mlock(locked, mib / 16)) { perror("mlock"); return 1; }
    char *no_access = map("no_access", mib, private, -1);
    memset(no_access, 1, mib);
    mprotect(no_access, mib, PROT_NONE);
    char *code = map("code", mib, private, -1);
    memset(code, 1, mib);
    mprotect(code, mib, PROT_READ | PROT_EXEC);
    map("untouched", mib, private, -1);
    char *guarded = map("guarded", mib, private, -1);
    memset(guarded, 1, mib);
    int guards = madvise(guarded + mib / 2, mib / 4, 102 /* MADV_GUARD_INSTALL */) == 0;
    printf("guards %d 0,", guards);

    /* A written huge page, a huge page that was only read, and small pages in half of a third. */
    char *huge = map("huge", 8 * mib, private, -1);
    char *aligned = (char *)(((long)huge + 2 * mib - 1) & -(2 * mib));
    madvise(aligned, 6 * mib, MADV_HUGEPAGE);
    aligned[0] = 1;
    sum += aligned[2 * mib];
    madvise(aligned + 4 * mib, 2 * mib, MADV_NOHUGEPAGE);
    memset(aligned + 4 * mib, 1, mib);
    printf("aligned %lu 0,", (long)aligned);

    /* Kernel memory: the ring buffer of a perf event. */
    struct perf_event_attr event = {
        .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_DUMMY,
        .exclude_kernel = 1 };
    int counter = syscall(SYS_perf_event_open, &event, 0, -1, -1, 0);
    char *ring = mmap(0, 9 * 4096, PROT_READ, MAP_SHARED, counter, 0);
    if (ring != MAP_FAILED) read_all(ring, 9 * 4096);
    printf("ring %lu 36864,", ring == MAP_FAILED ? 0 : (long)ring);
    printf("end 0 0\n"); fflush(stdout); getchar(); return 0;
}
