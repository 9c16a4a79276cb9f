/* Maps 16 MiB of private and 16 MiB of shared memory and prints both addresses. For each line of
   input, frees all pages and writes to every odd page. Other memory, of a size that changes, takes
   the free frames meanwhile. So the pages get new frames, and compaction can move them back. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#define SIZE (16UL << 20)
static char *map(unsigned long size, int flags) {
    char *p = mmap(0, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) { perror("mmap"); return 0; }
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
static void write_pages(char *p, unsigned long start, unsigned long end, unsigned long step) {
    for (unsigned long i = start; i < end; i += step) p[i] = 1;
}
int main(void) {
    char *private = map(SIZE, MAP_PRIVATE), *shared = map(SIZE, MAP_SHARED);
    char *other = map(4 * SIZE, MAP_PRIVATE);
    if (!private || !shared || !other) return 1;
    unsigned long round = 0;
    do {
        madvise(private, SIZE, MADV_DONTNEED);
        madvise(shared, SIZE, MADV_REMOVE);
        write_pages(other, 0, SIZE / 4 * (round++ * 7 % 16 + 1), 4096);
        write_pages(private, 4096, SIZE, 8192);
        write_pages(shared, 4096, SIZE, 8192);
        madvise(other, 4 * SIZE, MADV_DONTNEED);
        printf("%zu %zu\n", (size_t)private, (size_t)shared);
        fflush(stdout);
    } while (getchar() != EOF);
}
