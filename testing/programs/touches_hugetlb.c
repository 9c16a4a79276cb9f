/* Writes to four kinds of hugetlb pages. Prints "touched", or "none" without such pages. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
static int map_and_touch(int flags, int fd) {
    char *p = mmap(0, 2 << 20, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (p == MAP_FAILED) return 0;
    *p = 1;
    return 1;
}
int main(void) {
    int memory = MAP_ANONYMOUS | MAP_HUGETLB, file = memfd_create("huge", MFD_HUGETLB);
    int all = map_and_touch(MAP_PRIVATE | memory, -1) && map_and_touch(MAP_SHARED | memory, -1)
        && map_and_touch(MAP_SHARED, file) && map_and_touch(MAP_PRIVATE, file);
    puts(all ? "touched" : "none");
    fflush(stdout); getchar(); return 0;
}
