/* Makes 700 small mappings of alternating protection, and a larger one. */
#include "commit_memory.h"
int main(void) {
    for (int i = 0; i < 700; i++)
        touch(commit_at(NULL, 2 * PAGE, i % 2 ? PAGE_EXECUTE_READWRITE : PAGE_READWRITE), 2);
    touch(commit(8 * MIB), 8 * MIB / PAGE);
    puts("0");
    wait_for_input();
    return 0;
}
