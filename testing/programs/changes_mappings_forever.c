/* Maps, writes and unmaps memory of changing size in an endless loop. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
int main(void) {
    puts("ready"); fflush(stdout);
    for (unsigned i = 0;; i++) {
        size_t size = (1 + i % 64) * 4096;
        char *p = mmap(0, size, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(p, 1, size);
        if (i % 3) mprotect(p, 4096, PROT_NONE);
        munmap(p, size);
    }
}
