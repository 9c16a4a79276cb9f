/* Commits one range for each kind of change, prints the addresses, and waits. Then makes all changes
   and waits. */
#include "commit_memory.h"
static void print_address(const char *name, char *p) { printf("%s %" PRIuPTR ",", name, (uintptr_t)p); }
static void pause_here(void) { printf("end 0\n"); wait_for_input(); }
int main(void) {
    char *grown = VirtualAlloc(NULL, 4 * MIB, MEM_RESERVE, PAGE_READWRITE);
    char *later = VirtualAlloc(NULL, 4 * MIB, MEM_RESERVE, PAGE_READWRITE);
    if (!grown || !later) return 1;
    if (!VirtualAlloc(grown, MIB, MEM_COMMIT, PAGE_READWRITE)) return 1;
    char *dropped = commit(4 * MIB), *unmapped = commit(MIB), *same = commit(MIB);
    touch(grown, MIB / PAGE); touch(dropped, 4 * MIB / PAGE); touch(unmapped, MIB / PAGE);
    touch(same, MIB / PAGE);
    print_address("dropped", dropped); print_address("grown", grown);
    print_address("unmapped", unmapped); print_address("same", same); print_address("later", later);
    pause_here();

    VirtualFree(dropped + MIB, 2 * MIB, MEM_DECOMMIT);
    /* Not to 2 MiB, the size of a large page in the stand-in. */
    if (!VirtualAlloc(grown + MIB, 2 * MIB, MEM_COMMIT, PAGE_READWRITE)) return 1;
    touch(grown + MIB, 2 * MIB / PAGE);
    VirtualFree(unmapped, 0, MEM_RELEASE);
    if (!VirtualAlloc(later, MIB, MEM_COMMIT, PAGE_READWRITE)) return 1;
    touch(later, MIB / PAGE);
    pause_here();
    return 0;
}
