/* Has functions with names of windows.h, and calls a second library in Rust. Both libraries have a
   copy of Rust's standard library. */
#include <windows.h>
#include <psapi.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>

static DWORD slept;

void Sleep(DWORD milliseconds)
{
    slept = milliseconds;
}

DWORD GetTickCount(void)
{
    return 42;
}

int caught_panics(int count);

int main(void)
{
    DWORD ids[1], used;
    PROCESS_MEMORY_COUNTERS counters;
    HANDLE process;
    int status;

    Sleep(7);
    if (slept != 7 || GetTickCount() != 42)
        return 1;
    if (caught_panics(3) != 3)
        return 2;
    if (!EnumProcesses(ids, sizeof(ids), &used) || used != sizeof(ids))
        return 3;
    process = OpenProcess(PROCESS_ALL_ACCESS, FALSE, GetCurrentProcessId());
    if (!GetProcessMemoryInfo(process, &counters, sizeof(counters)) || !CloseHandle(process))
        return 4;
    /* The library's initializer ran: it keeps the data of parent and child apart. */
    if (fork() == 0)
        _exit(GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof(counters)) ? 0 : 1);
    if (wait(&status) < 0 || status != 0)
        return 5;
    /* A NULL pointer is an error instead of a crash. */
    if (EnumProcesses(NULL, 4, NULL) || GetLastError() != ERROR_NOACCESS)
        return 6;
    puts("ok");
    return 0;
}
