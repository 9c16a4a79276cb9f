// A profiler's view of a working set: the resident pages of each region, by kind of memory.
#include <windows.h>
#include <psapi.h>
#include <cstdio>
#include <cstdlib>
#include <vector>

struct Totals {
    SIZE_T resident = 0;
    SIZE_T shareable = 0;
};

int main(int argc, char **argv)
{
    DWORD id = argc > 1 ? (DWORD)strtoul(argv[1], NULL, 10) : GetCurrentProcessId();
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, id);
    SYSTEM_INFO system;
    Totals image, mapped, own;
    MEMORY_BASIC_INFORMATION region;

    if (process == NULL) {
        fprintf(stderr, "OpenProcess: error %u\n", GetLastError());
        return 1;
    }
    GetSystemInfo(&system);
    std::vector<PSAPI_WORKING_SET_EX_INFORMATION> pages;
    for (ULONG_PTR at = 0;
         VirtualQueryEx(process, (LPCVOID)at, &region, sizeof(region)) == sizeof(region);
         at = (ULONG_PTR)region.BaseAddress + region.RegionSize) {
        if (region.State != MEM_COMMIT)
            continue;
        SIZE_T count = region.RegionSize / system.dwPageSize;
        pages.resize(count);
        for (SIZE_T i = 0; i < count; i++)
            pages[i].VirtualAddress = (char *)region.BaseAddress + i * system.dwPageSize;
        DWORD size = (DWORD)(count * sizeof(pages[0]));
        if (!QueryWorkingSetEx(process, pages.data(), size))
            continue;
        Totals &totals = region.Type == MEM_IMAGE    ? image
                         : region.Type == MEM_MAPPED ? mapped
                                                     : own;
        for (const PSAPI_WORKING_SET_EX_INFORMATION &page : pages) {
            totals.resident += page.VirtualAttributes.Valid;
            totals.shareable += page.VirtualAttributes.Valid && page.VirtualAttributes.Shared;
        }
    }
    printf("image %zu %zu\n", image.resident, image.shareable);
    printf("mapped %zu %zu\n", mapped.resident, mapped.shareable);
    printf("private %zu %zu\n", own.resident, own.shareable);
    CloseHandle(process);
    return 0;
}
