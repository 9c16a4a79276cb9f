/* Writes to five pages in a reservation of 1 TiB. Prints the address and the page size. */
#include "commit_memory.h"
int main(void) {
    char *a = VirtualAlloc(NULL, MIB << 20, MEM_RESERVE, PAGE_READWRITE);
    if (!a) return 1;
    size_t offsets[] = {0, MIB << 13, MIB << 19};
    for (int i = 0; i < 3; i++) {
        size_t size = i == 1 ? 3 * PAGE : PAGE;
        char *p = VirtualAlloc(a + offsets[i], size, MEM_COMMIT, PAGE_READWRITE);
        if (!p) return 1;
        touch(p, size / PAGE);
    }
    printf("%" PRIxPTR " %zx\n", (uintptr_t)a, PAGE);
    wait_for_input();
    return 0;
}
