/* Commits, writes, shares and frees memory, and prints a line after each step. */
#include <stdio.h>
#include <string.h>
#include <windows.h>
static void print_and_wait(const char *s) { puts(s); fflush(stdout); getchar(); }
static char *commit(size_t n) {
    char *p = VirtualAlloc(0, n, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (!p) ExitProcess(1);
    return p;
}
int main(void) {
    print_and_wait("start");
    commit(256 << 20);
    print_and_wait("reserved");
    char *touched = commit(64 << 20);
    for (size_t i = 0; i < 64 << 20; i += 4096) touched[i] = 1;
    print_and_wait("touched");
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, 0, PAGE_READWRITE, 0, 32 << 20, 0);
    char *shared = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    if (!shared) ExitProcess(1);
    memset(shared, 1, 32 << 20);
    print_and_wait("shared");
    VirtualFree(touched, 0, MEM_RELEASE);
    print_and_wait("released");
    return 0;
}
