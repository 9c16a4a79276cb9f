/* Prints the base, size and path of each module in the order of the loader. With an argument, loads
   that library and prints them again. */
#include <inttypes.h>
#include <stdio.h>
#include <windows.h>
#include <tlhelp32.h>
static void list_modules(void) {
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, 0);
    MODULEENTRY32 entry = { .dwSize = sizeof entry };
    if (!Module32First(snapshot, &entry)) ExitProcess(1);
    do {
        printf("%" PRIxPTR " %lx %s|", (uintptr_t)entry.modBaseAddr,
            (unsigned long)entry.modBaseSize, entry.szExePath);
    } while (Module32Next(snapshot, &entry));
    CloseHandle(snapshot);
    puts(""); fflush(stdout);
    if (getchar() == EOF) ExitProcess(0);
}
int main(int argc, char **argv) {
    list_modules();
    if (argc < 2) return 0;
    if (!LoadLibraryA(argv[1])) return 1;
    list_modules();
    return 0;
}
