/* Maps the file of a library as data, then loads the library and prints its base. */
#include <inttypes.h>
#include <stdio.h>
#include <windows.h>
static void print_and_wait(const char *s) { puts(s); fflush(stdout); if (getchar() == EOF) ExitProcess(0); }
int main(int argc, char **argv) {
    if (argc < 2) return 1;
    HANDLE file = CreateFileA(argv[1], GENERIC_READ, FILE_SHARE_READ, 0, OPEN_EXISTING, 0, 0);
    HANDLE mapping = CreateFileMappingA(file, 0, PAGE_READONLY, 0, 0, 0);
    if (!MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0)) return 1;
    print_and_wait("data");
    HMODULE library = LoadLibraryA(argv[1]);
    if (!library) return 1;
    printf("%" PRIxPTR, (uintptr_t)library);
    print_and_wait("");
    return 0;
}
