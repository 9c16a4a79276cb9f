/* Prints what the system's own functions report, once and again for each line of input. With the
   argument "memory": the size of a page, RAM, available RAM, the commit limit, and the commit charge
   left. With "processes": id, parent, threads and name of each process. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <tlhelp32.h>
static void print_memory(void) {
    SYSTEM_INFO system;
    MEMORYSTATUSEX memory = {.dwLength = sizeof memory};
    GetSystemInfo(&system);
    if (!GlobalMemoryStatusEx(&memory)) ExitProcess(1);
    printf("%lu %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, system.dwPageSize,
        memory.ullTotalPhys, memory.ullAvailPhys, memory.ullTotalPageFile, memory.ullAvailPageFile);
}
static void print_processes(void) {
    HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
    PROCESSENTRY32 entry = {.dwSize = sizeof entry};
    if (!Process32First(snapshot, &entry)) ExitProcess(1);
    do {
        printf("%lu %lu %lu %s/", entry.th32ProcessID, entry.th32ParentProcessID, entry.cntThreads,
            entry.szExeFile);
    } while (Process32Next(snapshot, &entry));
    CloseHandle(snapshot);
}
int main(int argc, char **argv) {
    if (argc < 2) return 1;
    do {
        if (!strcmp(argv[1], "memory")) print_memory();
        else print_processes();
        puts(""); fflush(stdout);
    } while (getchar() != EOF);
    return 0;
}
