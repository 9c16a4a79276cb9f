/* Maps one range for each kind of page and prints their names, addresses and sizes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
#define MIB (1UL << 20)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
static volatile char sum;
static void print_range(const char *name, char *p, size_t size) {
    printf("%s %lu %lu,", name, (long)p, size);
}
/* Maps memory between inaccessible pages, which keep the kernel from merging mappings. */
static char *map_aligned(size_t size, size_t aligned, int flags, int fd) {
    char *p = mmap(0, size + 2 * aligned, PROT_NONE, PRIVATE, -1, 0);
    p = (char *)(((long)p + 2 * aligned - 1) & -aligned);
    return mmap(p, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
}
static char *map(const char *name, size_t size, int flags, int fd) {
    char *p = map_aligned(size, 4096, flags, fd);
    if (p == MAP_FAILED) { perror(name); _exit(1); }
    madvise(p, size, MADV_NOHUGEPAGE);
    print_range(name, p, size);
    return p;
}
static void touch(char *p, size_t size) { memset(p, 1, size); }
static void read_all(const char *p, size_t size) {
    for (size_t i = 0; i < size; i += 4096) sum += p[i];
}
static int in_memory(char *p, size_t size) {
    unsigned char in[256];
    int pages = 0;
    if (size > sizeof in * 4096 || mincore(p, size, in)) return -1;
    for (size_t i = 0; i < size / 4096; i++) pages += in[i] & 1;
    return pages;
}
int main(int argc, char **argv) {
    char *forked = map("forked", MIB, PRIVATE, -1);
    touch(forked, MIB);
    int ready[2];
    char c;
    if (pipe(ready)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        forked[MIB / 2] = 2;
        if (write(ready[1], "x", 1) != 1) _exit(1);
        for (;;) pause();
    }
    if (read(ready[0], &c, 1) != 1) return 1;

    touch(map("private", MIB, PRIVATE, -1), MIB);
    char *holes = map("holes", 4 * MIB, PRIVATE, -1);
    for (size_t i = 0; i < 4 * MIB; i += 8192) holes[i] = 1;
    map("untouched", MIB, PRIVATE, -1);
    read_all(map("zeros", MIB, PRIVATE, -1), MIB);
    touch(map("shared", MIB, SHARED, -1), MIB);
    int fd = memfd_create("memory", 0);
    if (ftruncate(fd, MIB)) return 1;
    touch(map("memory", MIB, MAP_SHARED, fd), MIB);
    read_all(map("memory again", MIB, MAP_PRIVATE, fd), MIB);

    fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    char block[MIB];
    memset(block, 1, sizeof block);
    if (write(fd, block, sizeof block) != sizeof block || fsync(fd)) return 1;
    char *file = map("file", MIB, MAP_PRIVATE, fd);
    read_all(file, MIB);
    touch(file, MIB / 4);
    if (unlink(argv[1])) return 1;

    char *locked = map("locked", MIB / 16, PRIVATE, -1);
    touch(locked, MIB / 16);
    if (mlock(locked, MIB / 16)) return 1;
    char *none = map("no access", MIB, PRIVATE, -1);
    touch(none, MIB);
    mprotect(none, MIB, PROT_NONE);
    char *code = map("code", MIB, PRIVATE, -1);
    touch(code, MIB);
    mprotect(code, MIB, PROT_READ | PROT_EXEC);

    char *guarded = map("guarded", MIB, PRIVATE, -1);
    touch(guarded, MIB);
    if (!madvise(guarded + MIB / 2, MIB / 4, 102 /* MADV_GUARD_INSTALL */))
        print_range("guards", guarded + MIB / 2, MIB / 4);

    char *huge = map_aligned(2 * MIB, 2 * MIB, PRIVATE, -1);
    madvise(huge, 2 * MIB, MADV_HUGEPAGE);
    touch(huge, 2 * MIB);
    print_range("huge", huge, 2 * MIB);
    huge = map_aligned(2 * MIB, 2 * MIB, PRIVATE, -1);
    madvise(huge, 2 * MIB, MADV_HUGEPAGE);
    sum += huge[0];
    print_range("huge zeros", huge, 2 * MIB);
    huge = map_aligned(2 * MIB, 2 * MIB, PRIVATE | MAP_HUGETLB, -1);
    if (argc > 2 && huge != MAP_FAILED) {
        huge[0] = 1;
        print_range("hugetlb", huge, 2 * MIB);
    }

    /* Pages in a CPU's batch for the LRU lists cannot be paged out yet: retry. */
    char *out = map("out", MIB, PRIVATE, -1);
    touch(out, MIB);
    for (int tries = 0; tries < 1000 && in_memory(out + MIB / 2, MIB / 2); tries++)
        if (madvise(out + MIB / 2, MIB / 2, MADV_PAGEOUT)) break;
    if (!in_memory(out + MIB / 2, MIB / 2))
        print_range("swapped", out + MIB / 2, MIB / 2);
    printf("end 0 0\n"); fflush(stdout); getchar(); return 0;
}
