/* Asks once how many pages its working set has, and then queries exactly that number. Fails if they
   do not suffice. Arguments: how the buffer is allocated, and how many MiB the program uses. */
#include <windows.h>
#include <psapi.h>
#include <stdio.h>
#include <stdlib.h>

static ULONG_PTR *buffer(char kind, SIZE_T size)
{
    switch (kind) {
    case 'm':
        return (ULONG_PTR *)malloc(size);
    case 'c':
        return (ULONG_PTR *)calloc(size, 1);
    default:
        return (ULONG_PTR *)VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    }
}

int main(int argc, char *argv[])
{
    PSAPI_WORKING_SET_INFORMATION first;
    SIZE_T used = argc == 3 ? (SIZE_T)atoi(argv[2]) << 20 : 0;
    char *memory = (char *)malloc(used + 1);
    DWORD size;
    ULONG_PTR *pages;

    memset(memory, 1, used + 1);
    if (QueryWorkingSet(GetCurrentProcess(), &first, sizeof(first)) ||
        GetLastError() != ERROR_BAD_LENGTH)
        return 2;
    printf("%zu announced\n", first.NumberOfEntries);
    size = (DWORD)((first.NumberOfEntries + 1) * sizeof(ULONG_PTR));
    pages = buffer(argv[1][0], size);
    memset(pages, 0xFF, size);
    if (!QueryWorkingSet(GetCurrentProcess(), pages, size)) {
        printf("%zu needed: error %u\n", pages[0], GetLastError());
        return 1;
    }
    printf("%zu found\n", pages[0]);
    return memory[used] == 1 ? 0 : 3;
}
