/* Loads psapi.dll at run time, as programs do that must also run where it is missing. */
#include <windows.h>
#include <stdio.h>
#include <psapi.h>

typedef BOOL(WINAPI *EnumProcesses_t)(DWORD *, DWORD, DWORD *);
typedef BOOL(WINAPI *GetProcessMemoryInfo_t)(HANDLE, PPROCESS_MEMORY_COUNTERS, DWORD);
typedef ULONGLONG(WINAPI *GetTickCount64_t)(void);

int main(void)
{
    static DWORD ids[65536];
    DWORD used = 0;
    PROCESS_MEMORY_COUNTERS counters;
    EnumProcesses_t enumerate;
    GetProcessMemoryInfo_t memory_info;
    GetTickCount64_t ticks;
    HMODULE psapi = LoadLibrary(TEXT("psapi.dll"));
    HMODULE kernel = GetModuleHandle(TEXT("kernel32.dll"));

    if (psapi == NULL || kernel == NULL) {
        fprintf(stderr, "LoadLibrary: error %u\n", GetLastError());
        return 1;
    }
    enumerate = (EnumProcesses_t)GetProcAddress(psapi, "EnumProcesses");
    memory_info = (GetProcessMemoryInfo_t)GetProcAddress(kernel, "K32GetProcessMemoryInfo");
    ticks = (GetTickCount64_t)GetProcAddress(kernel, "GetTickCount64");
    if (enumerate == NULL || memory_info == NULL || ticks == NULL) {
        fprintf(stderr, "GetProcAddress: error %u\n", GetLastError());
        return 1;
    }
    if (!enumerate(ids, sizeof(ids), &used) ||
        !memory_info(GetCurrentProcess(), &counters, sizeof(counters)))
        return 1;
    printf("processes %u\n", (DWORD)(used / sizeof(DWORD)));
    printf("rss %zu\n", counters.WorkingSetSize);
    printf("ticks %llu\n", ticks());
    if (GetProcAddress(psapi, "NtQuerySystemInformation") == NULL)
        printf("missing %u\n", GetLastError());
    printf("freed %d\n", FreeLibrary(psapi));
    return 0;
}
