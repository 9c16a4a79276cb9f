/* Shows how much a process reads and writes. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>

static int show(const char *moment, HANDLE process)
{
    IO_COUNTERS counters;

    if (!GetProcessIoCounters(process, &counters)) {
        fprintf(stderr, "GetProcessIoCounters: error %u\n", GetLastError());
        return 0;
    }
    printf("%s %llu %llu %llu %llu\n", moment, counters.ReadOperationCount,
           counters.ReadTransferCount, counters.WriteOperationCount, counters.WriteTransferCount);
    return fflush(stdout) == 0;
}

int main(void)
{
    static char buffer[1 << 16];
    FILE *file = tmpfile();
    HANDLE process = GetCurrentProcess();

    if (file == NULL || !show("before", process))
        return 1;
    setvbuf(file, NULL, _IONBF, 0);
    if (fwrite(buffer, 1, sizeof(buffer), file) != sizeof(buffer) || !show("written", process))
        return 1;
    rewind(file);
    if (fread(buffer, 1, sizeof(buffer), file) != sizeof(buffer) || !show("read", process))
        return 1;
    fclose(file);
    return 0;
}
