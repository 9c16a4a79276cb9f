/* Prints what the system's own functions report about the process in the second argument. The first
   one selects "counters": the working set, its peak and the commit charge; "modules": base, size and
   path of each; "regions": start, end, state, protection, protection of the allocation, and type of
   each that is not free. Numbers are hexadecimal. */
#define PSAPI_VERSION 2
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#include <psapi.h>
#include <tlhelp32.h>
static void print_counters(HANDLE process) {
    PROCESS_MEMORY_COUNTERS counters;
    if (!GetProcessMemoryInfo(process, &counters, sizeof counters)) ExitProcess(1);
    printf("%" PRIxPTR " %" PRIxPTR " %" PRIxPTR "\n", (uintptr_t)counters.WorkingSetSize,
        (uintptr_t)counters.PeakWorkingSetSize, (uintptr_t)counters.PagefileUsage);
}
static void print_modules(DWORD id) {
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, id);
    MODULEENTRY32 entry = {.dwSize = sizeof entry};
    if (!Module32First(snapshot, &entry)) ExitProcess(1);
    do {
        printf("%" PRIxPTR " %lx %s\n", (uintptr_t)entry.modBaseAddr, entry.modBaseSize,
            entry.szExePath);
    } while (Module32Next(snapshot, &entry));
    CloseHandle(snapshot);
}
static void print_regions(HANDLE process) {
    MEMORY_BASIC_INFORMATION region;
    for (char *at = NULL; VirtualQueryEx(process, at, &region, sizeof region) == sizeof region;) {
        at = (char *)region.BaseAddress + region.RegionSize;
        if (region.State == MEM_FREE) continue;
        printf("%" PRIxPTR " %" PRIxPTR " %lx %lx %lx %lx\n", (uintptr_t)region.BaseAddress,
            (uintptr_t)at, region.State, region.Protect, region.AllocationProtect, region.Type);
    }
}
int main(int argc, char **argv) {
    if (argc < 3) return 1;
    DWORD id = strtoul(argv[2], NULL, 10);
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, id);
    if (!process) return 1;
    if (!strcmp(argv[1], "counters")) print_counters(process);
    if (!strcmp(argv[1], "modules")) print_modules(id);
    if (!strcmp(argv[1], "regions")) print_regions(process);
    return 0;
}
