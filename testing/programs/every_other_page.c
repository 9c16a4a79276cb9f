/* Writes to every other page of 64 MiB. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    size_t size = 64 << 20;
    char *p = mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += 8192) p[i] = 1;
    puts("ready"); fflush(stdout); getchar(); return 0;
}
