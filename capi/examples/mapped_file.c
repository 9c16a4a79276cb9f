/* Prints the files that are mapped at addresses of a process: "mapped_file ID ADDRESS...". Without
   arguments, uses addresses of its own. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <tchar.h>
#include <psapi.h>

#include "printable.h"

static void print_file(HANDLE process, const TCHAR *what, void *address)
{
    TCHAR file[MAX_PATH];

    if (GetMappedFileName(process, address, file, ARRAYSIZE(file)) != 0) {
        _tprintf(TEXT("%s %p  "), what, address);
        print_name(file);
        _tprintf(TEXT("\n"));
    } else {
        DWORD error = GetLastError();
        LPTSTR text = NULL;
        FormatMessage(FORMAT_MESSAGE_ALLOCATE_BUFFER | FORMAT_MESSAGE_FROM_SYSTEM |
                          FORMAT_MESSAGE_IGNORE_INSERTS,
                      NULL, error, MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), (LPTSTR)&text, 0,
                      NULL);
        _tprintf(TEXT("%s %p  error %u: %s\n"), what, address, error,
                 text == NULL ? TEXT("?") : text);
        LocalFree(text);
    }
}

int _tmain(int argc, TCHAR *argv[])
{
    HANDLE process = GetCurrentProcess();
    int i;

    if (argc < 3) {
        void *memory = VirtualAlloc(NULL, 1, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
        print_file(process, TEXT("executable"), (void *)GetModuleHandle(NULL));
        print_file(process, TEXT("constant"), (void *)(ULONG_PTR)TEXT("a string constant"));
        print_file(process, TEXT("memory"), memory);
        VirtualFree(memory, 0, MEM_RELEASE);
        return 0;
    }
    process = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, _tcstoul(argv[1], NULL, 10));
    if (process == NULL) {
        _ftprintf(stderr, TEXT("OpenProcess: error %u\n"), GetLastError());
        return 1;
    }
    for (i = 2; i < argc; i++)
        print_file(process, TEXT("address"), (void *)(ULONG_PTR)_tcstoui64(argv[i], NULL, 16));
    CloseHandle(process);
    return 0;
}
