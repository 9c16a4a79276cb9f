/* Prints the memory use of each process in KiB. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <psapi.h>

static void print_memory(DWORD id)
{
    PROCESS_MEMORY_COUNTERS_EX counters;
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);

    if (process == NULL)
        return;
    if (GetProcessMemoryInfo(process, (PROCESS_MEMORY_COUNTERS *)&counters, sizeof(counters))) {
        printf("%8u %12u %12zu %12zu %12zu\n", id, counters.PageFaultCount,
               counters.WorkingSetSize / 1024, counters.PeakWorkingSetSize / 1024,
               counters.PrivateUsage / 1024);
    }
    CloseHandle(process);
}

int __cdecl main(void)
{
    DWORD ids[16384], used, i;

    if (!EnumProcesses(ids, sizeof(ids), &used)) {
        fprintf(stderr, "EnumProcesses: error %u\n", GetLastError());
        return 1;
    }
    printf("%8s %12s %12s %12s %12s\n", "id", "faults", "working set", "peak", "private");
    for (i = 0; i < used / sizeof(DWORD); i++)
        print_memory(ids[i]);
    return 0;
}
