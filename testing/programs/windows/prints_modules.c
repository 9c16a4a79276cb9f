/* Prints the base and size of each module in the order of the loader, then the entry point. */
#include <inttypes.h>
#include <stdio.h>
#include <windows.h>
#include <tlhelp32.h>
int main(void) {
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, 0);
    MODULEENTRY32 entry = { .dwSize = sizeof entry };
    if (!Module32First(snapshot, &entry)) return 1;
    BYTE *base = entry.modBaseAddr;
    do {
        printf("%" PRIxPTR " %lx ", (uintptr_t)entry.modBaseAddr, (unsigned long)entry.modBaseSize);
    } while (Module32Next(snapshot, &entry));
    IMAGE_NT_HEADERS *headers = (IMAGE_NT_HEADERS *)(base + ((IMAGE_DOS_HEADER *)base)->e_lfanew);
    printf("%" PRIxPTR "\n", (uintptr_t)(base + headers->OptionalHeader.AddressOfEntryPoint));
    fflush(stdout);
    getchar();
    return 0;
}
