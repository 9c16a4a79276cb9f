/* Writes to some of 16 pages, and locks one. Prints the address and the page size. */
#include "commit_memory.h"
int main(void) {
    char *a = commit(16 * PAGE);
    touch(a, 16);
    printf("%" PRIxPTR " %zx\n", (uintptr_t)a, PAGE);
    wait_for_input();
    return 0;
}
