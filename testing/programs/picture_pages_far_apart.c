/* Writes to five pages in a reservation of 64 TiB, or of 1 TiB. Prints the address and the page
   size. */
#include "map_memory.h"
int main(void) {
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    char *a = map(MIB << 26, MAP_PRIVATE);
    if (a == MAP_FAILED) a = map(MIB << 20, MAP_PRIVATE);
    a[0] = 1;
    memset(a + (MIB << 13), 1, 3 * page);
    a[MIB << 19] = 1;
    printf("%lx %lx\n", (long)a, page);
    wait_for_input();
    return 0;
}
