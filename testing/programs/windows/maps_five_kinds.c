/* Maps the executable, shared memory, private memory and a hole, and prints the addresses. The second
   address, of a memfd on Linux, is 0. */
#include <inttypes.h>
#include <stdio.h>
#include <windows.h>
int main(void) {
    char path[MAX_PATH];
    GetModuleFileNameA(NULL, path, sizeof path);
    HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, 0, NULL);
    HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0, NULL);
    char *mapped = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 8192);
    HANDLE memory = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 8192, NULL);
    char *shared = MapViewOfFile(memory, FILE_MAP_READ, 0, 0, 0);
    char *private = VirtualAlloc(NULL, 8192, MEM_RESERVE | MEM_COMMIT, PAGE_READONLY);
    char *hole = VirtualAlloc(NULL, 8192, MEM_RESERVE, PAGE_NOACCESS);
    if (!mapped || !shared || !private || !hole) return 1;
    VirtualFree(hole, 0, MEM_RELEASE);
    printf("%" PRIxPTR " 0 %" PRIxPTR " %" PRIxPTR " %" PRIxPTR "\n", (uintptr_t)mapped,
        (uintptr_t)shared, (uintptr_t)private, (uintptr_t)hole);
    fflush(stdout);
    getchar();
    return 0;
}
