/* Makes one mapping of each kind and prints their kinds and addresses. The second argument names a
   file that only other systems delete while it is mapped. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
static void print(const char *kind, void *p) {
    if (!p) ExitProcess(1);
    printf("%s %" PRIxPTR " ", kind, (uintptr_t)p);
}
int main(int argc, char **argv) {
    if (argc < 2) return 1;
    HANDLE file = CreateFileA(argv[1], GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE,
        0, OPEN_EXISTING, 0, 0);
    HANDLE mapping = CreateFileMappingA(file, 0, PAGE_READWRITE, 0, 0, 0);
    print("shared-file", MapViewOfFile(mapping, FILE_MAP_WRITE, 0, 0, 0));
    HANDLE copied = CreateFileMappingA(file, 0, PAGE_WRITECOPY, 0, 0, 0);
    void *private = MapViewOfFile(copied, FILE_MAP_COPY, 0, 0, 0);
    DWORD old;
    if (!VirtualProtect(private, 12288, PAGE_READONLY, &old)) return 1;
    print("private-file", private);
    HANDLE memory = CreateFileMappingA(INVALID_HANDLE_VALUE, 0, PAGE_READWRITE, 0, 8192, 0);
    print("shared", MapViewOfFile(memory, FILE_MAP_WRITE, 0, 0, 0));
    print("private", VirtualAlloc(0, 8192, MEM_RESERVE | MEM_COMMIT, PAGE_NOACCESS));
    void *hole = VirtualAlloc(0, 8192, MEM_RESERVE, PAGE_READWRITE);
    VirtualFree(hole, 0, MEM_RELEASE);
    print("hole", hole);
    print("heap", malloc(10));
    print("stack", &argc);
    printf("code %" PRIxPTR "\n", (uintptr_t)&main);
    fflush(stdout);
    getchar();
    return 0;
}
