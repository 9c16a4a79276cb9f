/* Walks an address space, and sums up its regions by state and type. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <psapi.h>

int main(int argc, char **argv)
{
    DWORD id = argc > 1 ? (DWORD)strtoul(argv[1], NULL, 10) : GetCurrentProcessId();
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, id);
    MEMORY_BASIC_INFORMATION region;
    SIZE_T image = 0, mapped = 0, own = 0, reserved = 0, unused = 0;
    ULONG_PTR address = 0;
    char file[MAX_PATH];

    if (process == NULL) {
        fprintf(stderr, "OpenProcess: error %u\n", GetLastError());
        return 1;
    }
    while (VirtualQueryEx(process, (LPCVOID)address, &region, sizeof(region)) != 0) {
        if (region.State == MEM_FREE)
            unused += region.RegionSize;
        else if (region.State == MEM_RESERVE)
            reserved += region.RegionSize;
        else if (region.Type == MEM_IMAGE)
            image += region.RegionSize;
        else if (region.Type == MEM_MAPPED)
            mapped += region.RegionSize;
        else
            own += region.RegionSize;
        if (region.Type == MEM_IMAGE && region.BaseAddress == region.AllocationBase &&
            GetMappedFileNameA(process, region.BaseAddress, file, sizeof(file)) > 0)
            printf("file %p %s\n", region.BaseAddress, file);
        address = (ULONG_PTR)region.BaseAddress + region.RegionSize;
    }
    printf("end %p %u\n", (void *)address, GetLastError());
    printf("image %zu\nmapped %zu\nprivate %zu\n", image, mapped, own);
    printf("reserved %zu\nfree %zu\n", reserved, unused);
    CloseHandle(process);
    return 0;
}
