/* Maps 66 MiB and writes to every odd page of the first 64 MiB. */
#include <stdio.h>
#include <sys/mman.h>
int main(void) {
    size_t size = 64 << 20, rest = 2 << 20;
    char *p = mmap((void *)0x200000000000, size + rest, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (p == MAP_FAILED) { perror("mmap"); return 1; }
    madvise(p, size + rest, MADV_NOHUGEPAGE);
    for (size_t i = 4096; i < size; i += 8192) p[i] = 1;
    puts("ready"); fflush(stdout); getchar(); return 0;
}
