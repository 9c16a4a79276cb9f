/* Lists the page files: total size and size in use. */
#include <windows.h>
#include <stdio.h>
#include <tchar.h>
#include <psapi.h>

#include "printable.h"

struct count {
    DWORD files;
    SIZE_T page_size;
};

static BOOL CALLBACK print_page_file(LPVOID context, PENUM_PAGE_FILE_INFORMATION file, LPCTSTR name)
{
    struct count *count = (struct count *)context;
    SIZE_T kib = count->page_size / 1024;

    count->files++;
    _tprintf(TEXT("%12zu KiB %12zu KiB in use  "), file->TotalSize * kib, file->TotalInUse * kib);
    print_name(name);
    _tprintf(TEXT("\n"));
    return TRUE;
}

int _tmain(void)
{
    struct count count = {0, 0};
    SYSTEM_INFO system;

    GetSystemInfo(&system);
    count.page_size = system.dwPageSize;
    if (!EnumPageFiles(print_page_file, &count)) {
        _ftprintf(stderr, TEXT("EnumPageFiles: error %u\n"), GetLastError());
        return 1;
    }
    _tprintf(TEXT("%u page files\n"), count.files);
    return 0;
}
