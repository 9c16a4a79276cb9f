/* All processes: their ids and the files that they run. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <tchar.h>
#include <psapi.h>

static void print_process(DWORD id)
{
    TCHAR file[MAX_PATH] = TEXT("<unknown>");
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);

    if (process != NULL) {
        if (GetProcessImageFileName(process, file, ARRAYSIZE(file)) == 0)
            _tcscpy(file, TEXT("<unknown>"));
        CloseHandle(process);
    }
    _tprintf(TEXT("%8u  %s\n"), id, file);
}

int _tmain(void)
{
    DWORD *ids = NULL, size = 0, used = 0, i;

    /* There may be more than were written as long as all the room was used. */
    while (used == size) {
        DWORD *more;
        size += 1024 * sizeof(DWORD);
        more = (DWORD *)realloc(ids, size);
        if (more == NULL || !EnumProcesses(more, size, &used)) {
            _ftprintf(stderr, TEXT("EnumProcesses: error %u\n"), GetLastError());
            free(more == NULL ? ids : more);
            return 1;
        }
        ids = more;
    }
    for (i = 0; i < used / sizeof(DWORD); i++)
        print_process(ids[i]);
    _tprintf(TEXT("%u processes\n"), (DWORD)(used / sizeof(DWORD)));
    free(ids);
    return 0;
}
