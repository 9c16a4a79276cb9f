/* Maps private and shared memory between inaccessible pages, writes half of each, and prints the
   addresses. Has no zero pages. */
#include "write_everywhere.h"
#include <sys/mman.h>
#include <unistd.h>
static char *map(int flags, int fd) {
    char *p = mmap(0, 18 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) + 4096;
    p = mmap(p, 16 * 4096, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    madvise(p, 16 * 4096, MADV_NOHUGEPAGE);
    return p;
}
int main(void) {
    write_everywhere();
    int fd = memfd_create("memory", 0);
    if (ftruncate(fd, 16 * 4096)) return 1;
    char *private = map(MAP_PRIVATE | MAP_ANONYMOUS, -1), *shared = map(MAP_SHARED, fd);
    for (int i = 0; i < 8; i++) private[i * 4096] = shared[i * 4096] = 1;
    printf("%zx %zx\n", (size_t)private, (size_t)shared);
    fflush(stdout); getchar(); return 0;
}
