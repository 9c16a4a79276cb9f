/* Maps 16 MiB of private and 16 MiB of shared memory and prints both addresses. For each line of
   input, frees all pages and writes to every odd page, so that these get new frames. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#define SIZE (16UL << 20)
static char *map(int flags) {
    char *p = mmap(0, SIZE, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) { perror("mmap"); return 0; }
    madvise(p, SIZE, MADV_NOHUGEPAGE);
    return p;
}
int main(void) {
    char *private = map(MAP_PRIVATE), *shared = map(MAP_SHARED);
    if (!private || !shared) return 1;
    do {
        madvise(private, SIZE, MADV_DONTNEED);
        madvise(shared, SIZE, MADV_REMOVE);
        for (unsigned long i = 4096; i < SIZE; i += 8192) private[i] = shared[i] = 1;
        printf("%zu %zu\n", (size_t)private, (size_t)shared);
        fflush(stdout);
    } while (getchar() != EOF);
}
