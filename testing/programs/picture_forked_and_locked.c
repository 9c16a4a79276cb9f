/* Shares private pages with a child, writes to some of them, and locks shared pages. Prints the
   addresses and the page size. */
#include "map_memory.h"
int main(void) {
    char *forked = map(9 * page, MAP_PRIVATE);
    memset(forked, 1, 9 * page);
    char *locked = map(5 * page, MAP_SHARED);
    mlock(locked, 5 * page);
    int ends[2];
    pipe(ends);
    if (fork() == 0) {
        close(ends[1]);
        char end;
        read(ends[0], &end, 1);
        _exit(0);
    }
    memset(forked, 2, 4 * page);
    printf("%lx %lx %lx\n", (long)forked, (long)locked, page);
    wait_for_input();
    return 0;
}
