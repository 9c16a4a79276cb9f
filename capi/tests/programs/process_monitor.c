/* A process monitor: name, memory, CPU time and start of every process that can be opened. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <tchar.h>
#include <psapi.h>

static ULONGLONG units(FILETIME time)
{
    ULARGE_INTEGER number;

    number.LowPart = time.dwLowDateTime;
    number.HighPart = time.dwHighDateTime;
    return number.QuadPart;
}

static void print_process(DWORD id)
{
    TCHAR name[MAX_PATH] = TEXT("?");
    PROCESS_MEMORY_COUNTERS_EX counters;
    FILETIME creation, end, kernel, user, now;
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, id);

    if (process == NULL)
        return;
    GetModuleBaseName(process, NULL, name, ARRAYSIZE(name));
    ZeroMemory(&counters, sizeof(counters));
    counters.cb = sizeof(counters);
    GetSystemTimeAsFileTime(&now);
    if (GetProcessMemoryInfo(process, (PROCESS_MEMORY_COUNTERS *)&counters, sizeof(counters)) &&
        GetProcessTimes(process, &creation, &end, &kernel, &user)) {
        TCHAR *at;
        /* Names can contain line breaks. */
        for (at = name; *at != 0; at++) {
            if (*at > 0 && *at < TEXT(' '))
                *at = TEXT('?');
        }
        _tprintf(TEXT("%u %zu %zu %llu %llu %s\n"), id, counters.WorkingSetSize / 1024,
                 counters.PrivateUsage / 1024, (units(kernel) + units(user)) / 10000,
                 (units(now) - units(creation)) / 10000000, name);
    }
    CloseHandle(process);
}

int _tmain(void)
{
    static DWORD ids[65536];
    DWORD used = 0, i;

    if (!EnumProcesses(ids, sizeof(ids), &used))
        return 1;
    for (i = 0; i < used / sizeof(DWORD); i++)
        print_process(ids[i]);
    return 0;
}
