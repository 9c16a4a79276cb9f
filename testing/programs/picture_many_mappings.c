/* Makes 700 small mappings of alternating protection, and a larger one. */
#include "map_memory.h"
int main(void) {
    for (int i = 0; i < 700; i++) {
        char *a = map(2 * page, MAP_PRIVATE);
        if (i % 2) mprotect(a, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC);
        *a = 1;
    }
    memset(map(8 * MIB, MAP_SHARED), 1, 8 * MIB);
    puts("0");
    wait_for_input();
    return 0;
}
