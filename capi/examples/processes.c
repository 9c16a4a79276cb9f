/* Lists all processes: id and executable. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <tchar.h>
#include <psapi.h>

#include "printable.h"

static void print_process(DWORD id)
{
    TCHAR file[MAX_PATH] = TEXT("<unknown>");
    HANDLE process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id);

    if (process != NULL) {
        if (GetProcessImageFileName(process, file, ARRAYSIZE(file)) == 0)
            _tcscpy(file, TEXT("<unknown>"));
        CloseHandle(process);
    }
    _tprintf(TEXT("%8u  "), id);
    print_name(file);
    _tprintf(TEXT("\n"));
}

int _tmain(void)
{
    DWORD *ids = NULL, size = 0, used = 0, i;

    /* While the buffer is full, there might be more processes: retry with a larger one. */
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
