/* Maps private and shared hugetlb pages of the default size. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
static void *map(long size, int flags) {
    return mmap(0, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
}
int main(void) {
    long size = 0;
    char line[100];
    FILE *meminfo = fopen("/proc/meminfo", "r");
    while (fgets(line, sizeof line, meminfo))
        if (sscanf(line, "Hugepagesize: %ld kB", &size) == 1) break;
    size *= 1024;
    printf("%lx %lx\n", (long)map(size, MAP_PRIVATE), (long)map(size, MAP_SHARED));
    fflush(stdout);
    getchar();
}
