/* Commits, writes and frees memory of changing size in an endless loop. */
#include "commit_memory.h"
int main(void) {
    print_line("ready");
    for (unsigned i = 0;; i++) {
        size_t size = (1 + i % 64) * PAGE;
        char *p = commit(size);
        DWORD old;
        memset(p, 1, size);
        if (i % 3) VirtualProtect(p, PAGE, PAGE_NOACCESS, &old);
        VirtualFree(p, 0, MEM_RELEASE);
    }
}
