/* Writes to some of 16 pages and reads another. Prints the address and the page size. */
#include "map_memory.h"
int main(void) {
    char *a = map(16 * page, MAP_PRIVATE);
    memset(a, 1, 4 * page);
    a[6 * page] = 1;
    *(volatile char *)(a + 8 * page);
    printf("%lx %lx\n", (long)a, page);
    wait_for_input();
    return 0;
}
