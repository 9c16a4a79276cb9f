/* Records the page faults of an operation: the pages and the instructions that accessed them. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <psapi.h>

#define PAGES 64

/* Returns the page faults since the last call, or NULL on failure. In the last entry, FaultingPc is
   NULL. */
static PSAPI_WS_WATCH_INFORMATION *changes(HANDLE process)
{
    PSAPI_WS_WATCH_INFORMATION *records = NULL;
    DWORD size = 64 * 1024;

    /* If the buffer is too small, no fault is lost: retry with a larger one. */
    for (;; size *= 2) {
        PSAPI_WS_WATCH_INFORMATION *more =
            (PSAPI_WS_WATCH_INFORMATION *)realloc(records, size);
        if (more == NULL)
            break;
        records = more;
        if (GetWsChanges(process, records, size))
            return records;
        if (GetLastError() != ERROR_INSUFFICIENT_BUFFER)
            break;
    }
    free(records);
    return NULL;
}

static int report_error(const char *function)
{
    char text[256] = "";
    DWORD error = GetLastError();

    FormatMessageA(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, error,
                   MAKELANGID(LANG_NEUTRAL, SUBLANG_DEFAULT), text, ARRAYSIZE(text), NULL);
    fprintf(stderr, "%s: error %u: %s\n", function, error, text);
    return 1;
}

int main(void)
{
    HANDLE process = GetCurrentProcess();
    PSAPI_WS_WATCH_INFORMATION *records;
    SYSTEM_INFO system;
    SIZE_T size, i, inside = 0;
    BYTE *memory;

    GetSystemInfo(&system);
    size = PAGES * (SIZE_T)system.dwPageSize;
    memory = (BYTE *)VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (memory == NULL)
        return report_error("VirtualAlloc");
    if (!InitializeProcessForWsWatch(process))
        return report_error("InitializeProcessForWsWatch");

    /* The operation to observe. */
    for (i = 0; i < size; i += system.dwPageSize)
        memory[i] = 1;

    records = changes(process);
    if (records == NULL)
        return report_error("GetWsChanges");
    for (i = 0; records[i].FaultingPc != NULL; i++) {
        BYTE *address = (BYTE *)records[i].FaultingVa;
        if (address >= memory && address < memory + size) {
            printf("%p accessed %p\n", records[i].FaultingPc, records[i].FaultingVa);
            inside++;
        }
    }
    printf("%zu page faults, %zu of them in the %d pages of the operation\n", i, inside, PAGES);
    printf("%zu records were lost\n", (SIZE_T)records[i].FaultingVa);
    free(records);
    VirtualFree(memory, 0, MEM_RELEASE);
    return 0;
}
