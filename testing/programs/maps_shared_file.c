/* Maps a file shared and aligned to huge pages. Writes to all of it, or reads as many bytes as the
   second argument states. Prints the address. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
int main(int argc, char **argv) {
    size_t size = 4UL << 20, aligned = 2UL << 20, read_only = strcmp(argv[2], "write");
    int fd = open(argv[1], O_RDWR);
    char *p = mmap(0, size + 2 * aligned, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    p = (char *)(((long)p + 2 * aligned - 1) & -aligned);
    p = mmap(p, size, PROT_READ | (read_only ? 0 : PROT_WRITE), MAP_SHARED | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); return 1; }
    volatile char sum;
    if (!read_only) memset(p, 1, size);
    else for (size_t i = 0; i < strtoul(argv[2], 0, 10); i += 4096) sum = p[i];
    printf("%lu\n", (long)p); fflush(stdout); getchar(); return 0;
}
