/* Lists processes into a buffer from the process's heap, which grows until the list fits. */
#include <windows.h>
#include <stdio.h>
#include <psapi.h>

int main(void)
{
    HANDLE heap = GetProcessHeap();
    DWORD size = 16 * sizeof(DWORD), used = 0, i, own = 0;
    DWORD *ids = NULL;

    for (;;) {
        ids = (DWORD *)HeapAlloc(heap, HEAP_ZERO_MEMORY, size);
        if (ids == NULL || !EnumProcesses(ids, size, &used)) {
            HeapFree(heap, 0, ids);
            return 1;
        }
        if (used < size)
            break;
        if (!HeapFree(heap, 0, ids))
            return 1;
        size *= 2;
    }
    for (i = 0; i < used / sizeof(DWORD); i++)
        own += ids[i] == GetCurrentProcessId();
    printf("processes %u\nown %u\n", (DWORD)(used / sizeof(DWORD)), own);
    printf("freed %d\n", HeapFree(heap, 0, ids));
    return 0;
}
