/* Writes to 8 MiB of memory and pages out the middle half. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    size_t mib = 1 << 20;
    char *p = mmap(0, 8 * mib, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 8 * mib, MADV_NOHUGEPAGE);
    memset(p, 1, 8 * mib);
    /* Pages in a CPU's batch for the LRU lists cannot be paged out yet: retry. */
    unsigned char in[1024];
    int pages = 1;
    for (int tries = 0; pages && tries < 1000; tries++) {
        if (madvise(p + 2 * mib, 4 * mib, MADV_PAGEOUT)) { puts("none"); break; }
        mincore(p + 2 * mib, 4 * mib, in);
        pages = 0;
        for (int i = 0; i < 1024; i++) pages += in[i] & 1;
    }
    printf("%lu\n", (long)p); fflush(stdout); getchar(); return 0;
}
