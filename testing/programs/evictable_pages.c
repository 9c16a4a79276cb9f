/* Writes to a file and to private, locked and shared memory, and prints the addresses. For each
   line of input, prints how many pages of the file are resident and whether private memory is
   intact. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>
static const size_t mib = 1 << 20;
static char *map(size_t size, int flags, int fd) {
    /* A hole keeps the kernel from merging neighbors of the same kind. */
    char *p = mmap(0, size + mib, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    munmap(p + size, mib);
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
int main(int argc, char **argv) {
    volatile char sum = 0;
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    char *contents = calloc(1, mib);
    for (int i = 0; i < 8; i++) if (write(fd, contents, mib) != (ssize_t)mib) { perror(argv[1]); return 1; }
    free(contents);
    fsync(fd);
    char *file = map(8 * mib, MAP_SHARED, fd);
    for (size_t i = 0; i < 8 * mib; i += 4096) sum += file[i];
    char *private = map(8 * mib, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < 8 * mib; i++) private[i] = i / 4096;
    char *locked = map(mib, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    memset(locked, 1, mib);
    if (mlock(locked, mib)) { perror("mlock"); return 1; }
    char *shared = map(4 * mib, MAP_SHARED | MAP_ANONYMOUS, -1);
    memset(shared, 1, 4 * mib);
    int ready[2];
    if (pipe(ready)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (size_t i = 0; i < 4 * mib; i += 4096) sum += shared[i];
        munmap(private, 8 * mib);
        munmap(file, 8 * mib);
        if (write(ready[1], "r", 1) != 1) return 1;
        for (;;) pause();
    }
    char c;
    if (read(ready[0], &c, 1) != 1) return 1;
    printf("%lu %lu %lu %lu\n", (long)file, (long)private, (long)locked, (long)shared);
    fflush(stdout);
    while (getchar() != EOF) {
        static unsigned char in[2048];
        int pages = 0, good = 1;
        if (mincore(file, 8 * mib, in)) perror("mincore");
        for (int i = 0; i < 2048; i++) pages += in[i] & 1;
        for (size_t i = 0; i < 8 * mib; i++) good &= private[i] == (char)(i / 4096);
        printf("%d %s\n", pages, good ? "good" : "bad");
        fflush(stdout);
    }
}
