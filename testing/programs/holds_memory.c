/* Writes to 32 MiB of 64 MiB of private memory, and to 8 MiB of shared memory. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char *p = mmap(0, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *s = mmap(0, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    madvise(p, 64 << 20, MADV_NOHUGEPAGE);
    memset(p, 1, 32 << 20);
    memset(s, 1, 8 << 20);
    puts("."); fflush(stdout); getchar();
}
