/* Maps full, sparse, half-written shared and untouched memory. Has no zero pages. */
#include "write_everywhere.h"
#include <sys/mman.h>
#include <unistd.h>
static char *map(size_t size, int flags, int fd) {
    char *p = mmap(0, size + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    p = mmap(p, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
int main(void) {
    write_everywhere();
    size_t size = 1 << 20;
    memset(map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1), 1, size);
    char *holes = map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    for (size_t i = 0; i < size; i += 8192) holes[i] = 1;
    int fd = memfd_create("memory", 0);
    if (ftruncate(fd, size)) return 1;
    memset(map(size, MAP_SHARED, fd), 1, size / 2);
    map(size, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    puts("arranged"); fflush(stdout); getchar(); return 0;
}
