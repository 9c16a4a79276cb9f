/* Writes to dense private and shared memory, and to every 16th of many pages. */
#include "map_memory.h"
int main(void) {
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
    memset(map(8 * MIB, MAP_PRIVATE), 1, 3 * MIB);
    memset(map(MIB, MAP_SHARED), 1, MIB);
    char *a = map(300 * MIB, MAP_PRIVATE);
    for (long i = 0; i < 300 * MIB; i += 16 * page) a[i] = 1;
    puts("0");
    wait_for_input();
    return 0;
}
