/* Reserves 30 TiB of inaccessible and 30 TiB of writable memory. Prints the addresses, or
   "none". */
#include <stdio.h>
#include <sys/mman.h>
static char *reserve(int access) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    return mmap(0, 30UL << 40, access, flags, -1, 0);
}
int main(void) {
    char *none = reserve(PROT_NONE), *all = reserve(PROT_READ | PROT_WRITE);
    if (none == MAP_FAILED || all == MAP_FAILED) puts("none");
    else printf("%lu %lu\n", (long)none, (long)all);
    fflush(stdout); getchar(); return 0;
}
