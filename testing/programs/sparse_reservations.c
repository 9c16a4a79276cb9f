/* Reserves 30 TiB and writes to two pages far apart. Also reserves twice the memory of the machine,
   with zero pages at the start and written pages at the end. Prints the addresses, or "none". */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
static volatile char *reserve(size_t size) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *p = mmap(0, size + 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED) { puts("none"); fflush(stdout); pause(); }
    madvise(p, size, MADV_NOHUGEPAGE);
    /* Keeps the kernel from merging the next mapping. */
    mprotect(p + size, 4096, PROT_NONE);
    return p;
}
int main(void) {
    size_t large = 30UL << 40;
    size_t small = 2UL * sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    volatile char *far = reserve(large), *zeros = reserve(small);
    far[0] = far[3UL << 30] = 1;
    /* As many zero pages as written ones, and before them. */
    zeros[0] + zeros[4096];
    zeros[small - 4096] = zeros[small - 8192] = 1;
    printf("%lu %lu %lu\n", (long)far, (long)zeros, (long)(zeros + small));
    fflush(stdout); getchar(); return 0;
}
