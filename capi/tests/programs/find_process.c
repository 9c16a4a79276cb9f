/* Finds processes by name in a toolhelp snapshot, like programs that wait for others or restart
   them. */
#include <windows.h>
#include <tlhelp32.h>
#include <stdio.h>
#include <tchar.h>

int _tmain(int argc, TCHAR *argv[])
{
    PROCESSENTRY32 entry;
    DWORD all = 0, found = 0;
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);

    if (argc < 2 || snapshot == INVALID_HANDLE_VALUE)
        return 1;
    entry.dwSize = sizeof(PROCESSENTRY32);
    if (Process32First(snapshot, &entry)) {
        do {
            all++;
            if (_tcsicmp(entry.szExeFile, argv[1]) == 0) {
                found++;
                _tprintf(TEXT("%u %u %u\n"), entry.th32ProcessID, entry.th32ParentProcessID,
                         entry.cntThreads);
            }
        } while (Process32Next(snapshot, &entry));
    }
    if (GetLastError() != ERROR_NO_MORE_FILES)
        _ftprintf(stderr, TEXT("Process32Next: error %u\n"), GetLastError());
    _tprintf(TEXT("%u of %u\n"), found, all);
    CloseHandle(snapshot);
    return 0;
}
