/* Writes to 8 MiB of private memory and prints its address. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *p = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 8 << 20, MADV_NOHUGEPAGE);
    memset(p, 1, 8 << 20);
    printf("%zx\n", (size_t)p); fflush(stdout); getchar(); return 0;
}
