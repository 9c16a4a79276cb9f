/* The modules and threads of one process, from a toolhelp snapshot. */
#include <windows.h>
#include <tlhelp32.h>
#include <stdio.h>
#include <tchar.h>

int _tmain(int argc, TCHAR *argv[])
{
    MODULEENTRY32 module;
    THREADENTRY32 thread;
    DWORD id = argc > 1 ? (DWORD)_tcstoul(argv[1], NULL, 10) : GetCurrentProcessId();
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD | TH32CS_SNAPMODULE, id);

    if (snapshot == INVALID_HANDLE_VALUE) {
        _ftprintf(stderr, TEXT("CreateToolhelp32Snapshot: error %u\n"), GetLastError());
        return 1;
    }
    module.dwSize = sizeof(module);
    if (Module32First(snapshot, &module)) {
        do {
            _tprintf(TEXT("module %p %u %s %s\n"), (void *)module.modBaseAddr, module.modBaseSize,
                     module.szModule, module.szExePath);
        } while (Module32Next(snapshot, &module));
    }
    thread.dwSize = sizeof(thread);
    if (Thread32First(snapshot, &thread)) {
        do {
            if (thread.th32OwnerProcessID == id)
                _tprintf(TEXT("thread %u %d\n"), thread.th32ThreadID, (int)thread.tpBasePri);
        } while (Thread32Next(snapshot, &thread));
    }
    CloseHandle(snapshot);
    return 0;
}
