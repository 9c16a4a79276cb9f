/* A language runtime: chooses the limit of its heap, reserves that much, and commits a part. */
#include <windows.h>
#include <stdio.h>
#include <string.h>
#include <psapi.h>

int main(void)
{
    MEMORYSTATUSEX status;
    SYSTEM_INFO system;
    PERFORMANCE_INFORMATION performance;
    DWORDLONG limit;
    SIZE_T size;
    char *heap;

    status.dwLength = sizeof(status);
    if (!GlobalMemoryStatusEx(&status))
        return 1;
    GetSystemInfo(&system);
    limit = status.ullTotalPhys / 4;
    if (limit > status.ullAvailVirtual / 2)
        limit = status.ullAvailVirtual / 2;
    size = (SIZE_T)limit / system.dwAllocationGranularity * system.dwAllocationGranularity;
    heap = (char *)VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
    if (heap == NULL || VirtualAlloc(heap, 1 << 20, MEM_COMMIT, PAGE_READWRITE) == NULL) {
        fprintf(stderr, "VirtualAlloc: error %u\n", GetLastError());
        return 1;
    }
    memset(heap, 1, 1 << 20);
    if (!GetPerformanceInfo(&performance, sizeof(performance)))
        return 1;
    printf("load %u\n", status.dwMemoryLoad);
    printf("physical %llu\n", status.ullTotalPhys);
    printf("available %llu\n", status.ullAvailPhys);
    printf("commit_limit %llu\n", status.ullTotalPageFile);
    printf("uncommitted %llu\n", status.ullAvailPageFile);
    printf("swap %zu\n",
           (performance.CommitLimit - performance.PhysicalTotal) * performance.PageSize);
    printf("heap %zu\n", size);
    VirtualFree(heap, 0, MEM_RELEASE);
    return 0;
}
