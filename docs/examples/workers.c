/* Two forked workers, for docs/working-sets.md.
 *
 * cc -g -O1 -o workers workers.c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20 };

static void *map(long size, int flags) {
    void *memory = mmap(0, size, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) { perror("mmap"); exit(1); }
    return memory;
}

int main(void) {
    char *table = map(64 * MIB, MAP_PRIVATE);
    char *queue = map(16 * MIB, MAP_SHARED);
    memset(table, 1, 64 * MIB);
    for (int worker = 0; worker < 2; worker++) {
        if (fork() == 0) {
            /* Each worker uses half of the queue. The second one rewrites a quarter of the table. */
            memset(queue + worker * 8 * MIB, 1, 8 * MIB);
            if (worker == 1) memset(table, 2, 16 * MIB);
            pause();
        }
    }
    pause();
    return 0;
}
