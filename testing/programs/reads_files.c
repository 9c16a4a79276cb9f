/* Maps the files in its arguments, the first two shared, reads all pages, and prints the
   addresses. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
int main(int argc, char **argv) {
    volatile char sum = 0;
    for (int i = 1; i < argc; i++) {
        int flags = i < 3 ? MAP_SHARED : MAP_PRIVATE;
        char *p = mmap(0, 4 << 20, PROT_READ, flags, open(argv[i], O_RDONLY), 0);
        for (size_t at = 0; at < 4 << 20; at += 4096) sum += p[at];
        printf("%lu%c", (long)p, i + 1 < argc ? ' ' : '\n');
    }
    fflush(stdout); getchar(); return 0;
}
