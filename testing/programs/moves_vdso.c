/* Moves its vDSO to another address, as programs that restore checkpoints do. Prints the address,
   or 0 if the kernel refuses. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    char line[256];
    unsigned long start = 0, end = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "[vdso]")) sscanf(line, "%lx-%lx", &start, &end);
    size_t size = end - start;
    char *to = mmap(0, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *moved = MAP_FAILED;
    if (size && to != MAP_FAILED)
        moved = mremap((void *)start, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
    printf("%lx\n", moved == MAP_FAILED ? 0L : (long)moved); fflush(stdout); getchar();
    return 0;
}
