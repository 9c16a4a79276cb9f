/* Commits one range for each kind of change, prints the addresses, and waits. Then makes all changes
   and waits. */
#include "commit_memory.h"
static void print_address(const char *name, char *p) { printf("%s %" PRIuPTR ",", name, (uintptr_t)p); }
static void pause_here(void) { printf("end 0\n"); wait_for_input(); }
/* Ranges are far apart, so that each has room to grow, and changes of one are not next to those of
   another. */
static char *room;
static char *place(int n) { return room + (n * 16 + 1) * MIB; }
static char *put(int n, size_t size) { return commit_at(place(n), size, PAGE_READWRITE); }
static char *reserve(int n) { return VirtualAlloc(place(n), 4 * MIB, MEM_RESERVE, PAGE_READWRITE); }
int main(void) {
    room = VirtualAlloc(NULL, 112 * MIB, MEM_RESERVE, PAGE_NOACCESS);
    if (!room || !VirtualFree(room, 0, MEM_RELEASE)) return 1;
    char *grown = reserve(0), *later = reserve(1);
    if (!grown || !later) return 1;
    if (!VirtualAlloc(grown, MIB, MEM_COMMIT, PAGE_READWRITE)) return 1;
    char *dropped = put(2, 4 * MIB), *unmapped = put(3, MIB), *same = put(4, MIB);
    char *split = put(5, 3 * MIB), *replaced = put(6, MIB);
    touch(grown, MIB / PAGE); touch(dropped, 4 * MIB / PAGE); touch(unmapped, MIB / PAGE);
    touch(same, MIB / PAGE);
    touch(split, 3 * MIB / PAGE); touch(replaced, MIB / PAGE);
    print_address("dropped", dropped); print_address("grown", grown);
    print_address("unmapped", unmapped); print_address("same", same); print_address("later", later);
    print_address("split", split); print_address("replaced", replaced);
    pause_here();

    VirtualFree(dropped + MIB, 2 * MIB, MEM_DECOMMIT);
    /* Not to 2 MiB, the size of a large page in the stand-in. */
    if (!VirtualAlloc(grown + MIB, 2 * MIB, MEM_COMMIT, PAGE_READWRITE)) return 1;
    touch(grown + MIB, 2 * MIB / PAGE);
    VirtualFree(unmapped, 0, MEM_RELEASE);
    if (!VirtualAlloc(later, MIB, MEM_COMMIT, PAGE_READWRITE)) return 1;
    touch(later, MIB / PAGE);
    DWORD old;
    if (!VirtualProtect(split + MIB, MIB, PAGE_READONLY, &old)) return 1;
    /* Shared memory in the place of private memory. */
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, MIB, NULL);
    VirtualFree(replaced, 0, MEM_RELEASE);
    if (MapViewOfFileEx(section, FILE_MAP_WRITE, 0, 0, 0, replaced) != replaced) return 1;
    for (size_t i = 0; i < MIB; i += PAGE) replaced[i] = 1;
    pause_here();
    return 0;
}
