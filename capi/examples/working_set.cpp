// Takes a snapshot of the working set of a process, by default its own, and counts pages by kind.
// Then queries single pages before and after they are written.
#include <windows.h>
#include <tchar.h>
#include <psapi.h>

#include <cstdio>
#include <vector>

// Returns the number of pages, followed by a block for each page.
static std::vector<ULONG_PTR> snapshot(HANDLE process)
{
    std::vector<ULONG_PTR> buffer(1024);
    while (!QueryWorkingSet(process, buffer.data(),
                            static_cast<DWORD>(buffer.size() * sizeof(ULONG_PTR)))) {
        if (GetLastError() != ERROR_BAD_LENGTH)
            return {};
        // The first entry is the number of pages. Allow for growth before the next attempt.
        buffer.resize(buffer[0] + buffer[0] / 8 + 64);
    }
    buffer.resize(buffer[0] + 1);
    return buffer;
}

static int count_kinds(HANDLE process)
{
    const std::vector<ULONG_PTR> pages = snapshot(process);
    SIZE_T shareable = 0, shared = 0, writable = 0, executable = 0;

    if (pages.empty()) {
        _ftprintf(stderr, TEXT("QueryWorkingSet: error %u\n"), GetLastError());
        return 1;
    }
    for (SIZE_T i = 1; i < pages.size(); i++) {
        PSAPI_WORKING_SET_BLOCK block;
        block.Flags = pages[i];
        const ULONG_PTR protection = block.Protection & 7;
        shareable += block.Shared;
        shared += block.ShareCount > 1;
        writable += protection == 4 || protection == 6;
        executable += protection == 2 || protection == 3 || protection >= 6;
    }
    _tprintf(TEXT("pages       %zu\nshareable   %zu\nshared      %zu\n"), pages.size() - 1,
             shareable, shared);
    _tprintf(TEXT("writable    %zu\nexecutable  %zu\n"), writable, executable);
    return 0;
}

static SIZE_T count_valid(std::vector<PSAPI_WORKING_SET_EX_INFORMATION> &pages)
{
    SIZE_T valid = 0;
    if (!QueryWorkingSetEx(GetCurrentProcess(), pages.data(),
                           static_cast<DWORD>(pages.size() * sizeof(pages[0])))) {
        _ftprintf(stderr, TEXT("QueryWorkingSetEx: error %u\n"), GetLastError());
        return 0;
    }
    for (const PSAPI_WORKING_SET_EX_INFORMATION &page : pages)
        valid += page.VirtualAttributes.Valid;
    return valid;
}

static int query_own_pages()
{
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    std::vector<PSAPI_WORKING_SET_EX_INFORMATION> pages(64);
    const SIZE_T size = pages.size() * system.dwPageSize;
    BYTE *memory =
        static_cast<BYTE *>(VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE));
    if (memory == NULL) {
        _ftprintf(stderr, TEXT("VirtualAlloc: error %u\n"), GetLastError());
        return 1;
    }
    for (SIZE_T i = 0; i < pages.size(); i++)
        pages[i].VirtualAddress = memory + i * system.dwPageSize;
    _tprintf(TEXT("resident before writing  %zu\n"), count_valid(pages));
    FillMemory(memory, size, 1);
    _tprintf(TEXT("resident after writing   %zu\n"), count_valid(pages));
    VirtualFree(memory, 0, MEM_RELEASE);
    return 0;
}

int _tmain(int argc, TCHAR *argv[])
{
    HANDLE process = GetCurrentProcess();
    if (argc > 1) {
        process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE,
                              _tcstoul(argv[1], NULL, 10));
        if (process == NULL) {
            _ftprintf(stderr, TEXT("OpenProcess: error %u\n"), GetLastError());
            return 1;
        }
    }
    const int failed = count_kinds(process);
    CloseHandle(process);
    return failed || query_own_pages();
}
