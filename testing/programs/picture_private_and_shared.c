/* Writes to 3 MiB of private and 5 MiB of shared memory. */
#include "map_memory.h"
int main(void) {
    memset(map(8 * MIB, MAP_PRIVATE), 1, 3 * MIB);
    memset(map(8 * MIB, MAP_SHARED), 1, 5 * MIB);
    puts("0");
    wait_for_input();
    return 0;
}
