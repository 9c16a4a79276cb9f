/* Reserves, writes, shares, frees and locks memory, and prints a line after each step. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
static void print_and_wait(const char *s) { puts(s); fflush(stdout); getchar(); }
static char *map(size_t n, int prot, int flags) {
    char *p = mmap(0, n, prot, flags | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, n, MADV_NOHUGEPAGE);
    return p;
}
int main(void) {
    print_and_wait("start");
    char *untouched = map(256 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    print_and_wait("reserved");
    char *touched = map(64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    for (size_t i = 0; i < 64 << 20; i += 4096) touched[i] = 1;
    print_and_wait("touched");
    char *shared = map(32 << 20, PROT_READ | PROT_WRITE, MAP_SHARED);
    memset(shared, 1, 32 << 20);
    print_and_wait("shared");
    munmap(touched, 64 << 20);
    print_and_wait("released");
    if (mlock(untouched, 16384)) _Exit(1);
    print_and_wait("locked");
    return 0;
}
