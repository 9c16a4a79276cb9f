/* An allocator's statistics: what the process used when it ends. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <psapi.h>

static ULONGLONG milliseconds(const FILETIME *time)
{
    ULARGE_INTEGER number;

    number.LowPart = time->dwLowDateTime;
    number.HighPart = time->dwHighDateTime;
    return number.QuadPart / 10000;
}

static void print_statistics(void)
{
    FILETIME creation, end, kernel, user;
    PROCESS_MEMORY_COUNTERS counters;

    GetProcessTimes(GetCurrentProcess(), &creation, &end, &kernel, &user);
    memset(&counters, 0, sizeof(counters));
    GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters));
    printf("user %llu\n", milliseconds(&user));
    printf("system %llu\n", milliseconds(&kernel));
    printf("rss %zu\n", counters.WorkingSetSize);
    printf("peak_rss %zu\n", counters.PeakWorkingSetSize);
    printf("commit %zu\n", counters.PagefileUsage);
    printf("peak_commit %zu\n", counters.PeakPagefileUsage);
    printf("faults %u\n", counters.PageFaultCount);
}

int main(void)
{
    SIZE_T size = 32 << 20;
    char *memory = (char *)VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);

    if (memory == NULL)
        return 1;
    memset(memory, 1, size);
    /* The figures before and after the memory is freed. */
    print_statistics();
    VirtualFree(memory, 0, MEM_RELEASE);
    print_statistics();
    return 0;
}
