/* Writes to three of four pages, and to every 16th of few pages. */
#include "commit_memory.h"
int main(void) {
    touch(commit(3 * MIB), 3 * MIB / PAGE);
    char *a = VirtualAlloc(NULL, MIB, MEM_RESERVE, PAGE_READWRITE);
    if (!a) return 1;
    for (size_t i = 0; i < MIB; i += 16 * PAGE) {
        if (!VirtualAlloc(a + i, PAGE, MEM_COMMIT, PAGE_READWRITE)) return 1;
        a[i] = 1;
    }
    puts("0");
    wait_for_input();
    return 0;
}
