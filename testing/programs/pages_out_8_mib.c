/* Writes to 8 MiB of memory and requests that the kernel page it out. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *p = mmap(0, 8 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, 8 << 20);
    madvise(p, 8 << 20, MADV_PAGEOUT);
    puts("out"); fflush(stdout); getchar(); return 0;
}
