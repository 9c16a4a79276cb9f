/* Fills 200 mergeable pages, each equal to another one, and 100 unique ones. Prints their
   addresses, or "none" without CONFIG_KSM. Then writes to one of the pages. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
static char *map(size_t size) {
    char *p = mmap(0, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    mprotect(p, size, PROT_READ | PROT_WRITE);
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
static void fill(char *page, int salt, int number) {
    memset(page, 0, 4096);
    ((int *)page)[0] = salt;
    ((int *)page)[1] = number;
}
int main(void) {
    /* 100 pairs of equal pages, and 100 unique pages. */
    char *twice = map(200 * 4096), *once = map(100 * 4096);
    /* The salt keeps other processes and virtual machines from having equal pages. */
    int salt; if (getentropy(&salt, sizeof salt)) return 1;
    for (int i = 0; i < 200; i++) fill(twice + i * 4096, salt, 1 + i % 100);
    for (int i = 0; i < 100; i++) fill(once + i * 4096, salt, 1000 + i);
    if (madvise(twice, 200 * 4096, MADV_MERGEABLE) || madvise(once, 100 * 4096, MADV_MERGEABLE))
        puts("none");
    else
        printf("%lu %lu\n", (long)twice, (long)once);
    fflush(stdout); getchar();
    twice[0] = 2;
    puts("written"); fflush(stdout); getchar(); return 0;
}
