/* Searches the writable private memory of a process for a text, as trainers and scanners do. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count_in(const char *bytes, SIZE_T size, const char *text)
{
    SIZE_T length = strlen(text), at;
    int count = 0;

    for (at = 0; at + length <= size; at++)
        count += memcmp(bytes + at, text, length) == 0;
    return count;
}

int main(int argc, char **argv)
{
    MEMORY_BASIC_INFORMATION region;
    int count = 0;
    ULONG_PTR at = 0;
    HANDLE process;

    if (argc < 3)
        return 2;
    process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE,
                          (DWORD)strtoul(argv[1], NULL, 10));
    if (process == NULL) {
        fprintf(stderr, "OpenProcess: error %u\n", GetLastError());
        return 1;
    }
    for (; VirtualQueryEx(process, (LPCVOID)at, &region, sizeof(region)) == sizeof(region);
         at = (ULONG_PTR)region.BaseAddress + region.RegionSize) {
        SIZE_T read = 0;
        char *copy;
        if (region.State != MEM_COMMIT || region.Type != MEM_PRIVATE ||
            (region.Protect & (PAGE_READWRITE | PAGE_EXECUTE_READWRITE)) == 0)
            continue;
        copy = (char *)malloc(region.RegionSize);
        if (copy == NULL)
            continue;
        /* Memory that went away in the meantime ends the copy. */
        if (ReadProcessMemory(process, region.BaseAddress, copy, region.RegionSize, &read) ||
            GetLastError() == ERROR_PARTIAL_COPY)
            count += count_in(copy, read, argv[2]);
        free(copy);
    }
    printf("found %d\n", count);
    CloseHandle(process);
    return 0;
}
