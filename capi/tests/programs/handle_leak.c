/* Checks whether an operation leaks handles. */
#include <windows.h>
#include <stdio.h>

static DWORD count(void)
{
    DWORD handles = 0;

    if (!GetProcessHandleCount(GetCurrentProcess(), &handles))
        fprintf(stderr, "GetProcessHandleCount: error %u\n", GetLastError());
    return handles;
}

int main(void)
{
    FILE *files[10];
    DWORD before, open, after;
    int i;

    /* The first call can open files of the library itself. */
    count();
    before = count();
    for (i = 0; i < 10; i++)
        files[i] = tmpfile();
    open = count();
    for (i = 0; i < 10; i++) {
        if (files[i] != NULL)
            fclose(files[i]);
    }
    after = count();
    printf("opened %u\nleaked %u\n", open - before, after - before);
    return 0;
}
