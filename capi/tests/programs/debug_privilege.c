/* Enables the debug privilege before anything else, then opens a process with all rights. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <psapi.h>

static BOOL enable(LPCTSTR name, BOOL enabled)
{
    HANDLE token;
    TOKEN_PRIVILEGES privileges;
    BOOL done = FALSE;

    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY, &token))
        return FALSE;
    privileges.PrivilegeCount = 1;
    privileges.Privileges[0].Attributes = enabled ? SE_PRIVILEGE_ENABLED : 0;
    if (LookupPrivilegeValue(NULL, name, &privileges.Privileges[0].Luid)) {
        AdjustTokenPrivileges(token, FALSE, &privileges, sizeof(privileges), NULL, NULL);
        /* The call succeeds even if it changes nothing. */
        done = GetLastError() == ERROR_SUCCESS;
    }
    CloseHandle(token);
    return done;
}

static DWORD open_error(DWORD id)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, id);

    if (process == NULL)
        return GetLastError();
    CloseHandle(process);
    return ERROR_SUCCESS;
}

int main(int argc, char **argv)
{
    DWORD id = argc > 1 ? (DWORD)strtoul(argv[1], NULL, 10) : GetCurrentProcessId();
    BOOL enabled = enable(SE_DEBUG_NAME, TRUE);

    printf("enabled %d\n", enabled);
    if (!enabled)
        printf("reason %u\n", GetLastError());
    printf("open %u\n", open_error(id));
    printf("disabled %d\n", enable(SE_DEBUG_NAME, FALSE));
    printf("open %u\n", open_error(id));
    return 0;
}
