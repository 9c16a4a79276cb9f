// Lists the modules of the processes with the given ids, or of all processes: base address, size
// and file.
#include <windows.h>
#include <tchar.h>
#include <psapi.h>

#include <vector>

#include "printable.h"

static std::vector<HMODULE> modules_of(HANDLE process)
{
    std::vector<HMODULE> modules(64);
    for (;;) {
        const DWORD size = static_cast<DWORD>(modules.size() * sizeof(HMODULE));
        DWORD needed = 0;
        if (!EnumProcessModules(process, modules.data(), size, &needed))
            return {};
        modules.resize(needed / sizeof(HMODULE));
        if (needed <= size)
            return modules;
    }
}

static void print_modules(DWORD id)
{
    HANDLE process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, id);
    if (process == NULL)
        return;
    for (HMODULE module : modules_of(process)) {
        MODULEINFO information;
        TCHAR file[MAX_PATH];
        if (GetModuleInformation(process, module, &information, sizeof(information)) &&
            GetModuleFileNameEx(process, module, file, MAX_PATH) != 0) {
            _tprintf(TEXT("%8u  %p %10u  "), id, information.lpBaseOfDll,
                     information.SizeOfImage);
            print_name(file);
            _tprintf(TEXT("\n"));
        }
    }
    CloseHandle(process);
}

int _tmain(int argc, TCHAR *argv[])
{
    std::vector<DWORD> ids(1024);
    DWORD used = 0;

    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            print_modules(_tcstoul(argv[i], NULL, 10));
        return 0;
    }
    for (;;) {
        const DWORD size = static_cast<DWORD>(ids.size() * sizeof(DWORD));
        if (!EnumProcesses(ids.data(), size, &used)) {
            _ftprintf(stderr, TEXT("EnumProcesses: error %u\n"), GetLastError());
            return 1;
        }
        if (used < size)
            break;
        ids.resize(2 * ids.size());
    }
    ids.resize(used / sizeof(DWORD));
    for (DWORD id : ids)
        print_modules(id);
    return 0;
}
