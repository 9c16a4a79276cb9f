/* Lists the loaded device drivers: load address, name and file. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <tchar.h>
#include <psapi.h>

#include "printable.h"

int _tmain(void)
{
    LPVOID *bases;
    DWORD size = 0, needed = 0, count, i;

    /* Query the required size, and allow for drivers that are loaded between the two calls. */
    if (!EnumDeviceDrivers(NULL, 0, &needed)) {
        _ftprintf(stderr, TEXT("EnumDeviceDrivers: error %u\n"), GetLastError());
        return 1;
    }
    size = needed + 16 * sizeof(LPVOID);
    bases = (LPVOID *)malloc(size);
    if (bases == NULL || !EnumDeviceDrivers(bases, size, &needed)) {
        _ftprintf(stderr, TEXT("EnumDeviceDrivers: error %u\n"), GetLastError());
        free(bases);
        return 1;
    }
    count = min(needed, size) / sizeof(LPVOID);
    for (i = 0; i < count; i++) {
        TCHAR name[MAX_PATH], file[MAX_PATH];
        if (GetDeviceDriverBaseName(bases[i], name, ARRAYSIZE(name)) != 0 &&
            GetDeviceDriverFileName(bases[i], file, ARRAYSIZE(file)) != 0) {
            _tprintf(TEXT("%p  %-24s  "), bases[i], name);
            print_name(file);
            _tprintf(TEXT("\n"));
        }
    }
    _tprintf(TEXT("%u drivers\n"), count);
    free(bases);
    return 0;
}
