/* Ends a process, waits for that, and prints its exit code. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    DWORD code = 0, id = argc > 1 ? (DWORD)strtoul(argv[1], NULL, 10) : 0;
    HANDLE process = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE |
                                     PROCESS_QUERY_LIMITED_INFORMATION,
                                 FALSE, id);

    if (process == NULL) {
        printf("open %u\n", GetLastError());
        return 1;
    }
    GetExitCodeProcess(process, &code);
    printf("running %d\n", code == STILL_ACTIVE);
    printf("timeout %d\n", WaitForSingleObject(process, 10) == WAIT_TIMEOUT);
    if (!TerminateProcess(process, 42)) {
        printf("terminate %u\n", GetLastError());
        return 1;
    }
    printf("ended %d\n", WaitForSingleObject(process, INFINITE) == WAIT_OBJECT_0);
    GetExitCodeProcess(process, &code);
    printf("code %u\n", code);
    if (!TerminateProcess(process, 43))
        printf("again %u\n", GetLastError());
    CloseHandle(process);
    return 0;
}
