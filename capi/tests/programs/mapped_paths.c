/* Finds the file behind an address, and translates its device path to a path with a drive letter,
   if it has one. */
#include <windows.h>
#include <stdio.h>
#include <tchar.h>
#include <psapi.h>

static void translate(TCHAR *path)
{
    TCHAR drive[3] = TEXT("A:"), device[MAX_PATH], rest[MAX_PATH];

    for (; drive[0] <= TEXT('Z'); drive[0]++) {
        size_t length;
        if (QueryDosDevice(drive, device, MAX_PATH) == 0)
            continue;
        length = _tcslen(device);
        if (_tcsnicmp(path, device, length) == 0) {
            _tcscpy_s(rest, MAX_PATH, path + length);
            _stprintf_s(path, MAX_PATH, TEXT("%s%s"), drive, rest);
            return;
        }
    }
}

int _tmain(void)
{
    TCHAR path[MAX_PATH];
    MEMORY_BASIC_INFORMATION region;

    if (VirtualQuery((LPCVOID)(ULONG_PTR)&translate, &region, sizeof(region)) == 0 ||
        GetMappedFileName(GetCurrentProcess(), region.AllocationBase, path, MAX_PATH) == 0) {
        _ftprintf(stderr, TEXT("error %u\n"), GetLastError());
        return 1;
    }
    translate(path);
    _tprintf(TEXT("path %s\n"), path);
    _tprintf(TEXT("image %d\n"), region.Type == MEM_IMAGE);
    return 0;
}
