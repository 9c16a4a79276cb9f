/* Maps a file in nested directories below the argument and prints the address. Its path is longer
   than MAX_PATH. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <windows.h>
int main(int argc, char **argv) {
    static wchar_t path[8000];
    if (argc < 2) return 1;
    swprintf(path, 4000, L"\\\\?\\%hs", argv[1]);
    for (int depth = 0; depth < 3; depth++) {
        wcscat(path, L"\\");
        for (int i = 0; i < 200; i++) wcscat(path, L"n");
        if (!CreateDirectoryW(path, 0)) return 1;
    }
    wcscat(path, L"\\file");
    HANDLE file = CreateFileW(path, GENERIC_READ | GENERIC_WRITE, 0, 0, CREATE_NEW, 0, 0);
    HANDLE mapping = CreateFileMappingA(file, 0, PAGE_READWRITE, 0, 4096, 0);
    void *view = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    if (!view) return 1;
    printf("%" PRIxPTR "\n", (uintptr_t)view);
    fflush(stdout);
    getchar();
    return 0;
}
