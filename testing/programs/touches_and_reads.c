/* Writes to 50 pages, and lets the kernel write to the next 100. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    char *p = mmap(0, 150 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 150 * 4096, MADV_NOHUGEPAGE);
    int zeros = open("/dev/zero", O_RDONLY);
    printf("%lu\n", (long)p); fflush(stdout); getchar();
    for (int i = 0; i < 50; i++) p[i * 4096] = 1;
    for (int i = 50; i < 150; i++) if (read(zeros, p + i * 4096, 1) != 1) return 1;
    puts("touched"); fflush(stdout); getchar(); return 0;
}
