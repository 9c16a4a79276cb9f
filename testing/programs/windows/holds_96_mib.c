/* Holds 96 MiB of pages, which take long to free. The argument selects a single thread or several
   threads. */
#include <stdio.h>
#include <string.h>
#include <windows.h>
static DWORD WINAPI wait_forever(void *p) { (void)p; Sleep(INFINITE); return 0; }
int main(int argc, char **argv) {
    const size_t size = 96 << 20;
    char *memory = VirtualAlloc(0, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
    if (argc < 2 || !memory) return 1;
    memset(memory, 1, size);
    if (strcmp(argv[1], "alone"))
        for (int i = 0; i < 8; i++) CreateThread(0, 0, wait_forever, 0, 0, 0);
    puts("ready"); fflush(stdout);
    Sleep(INFINITE);
    return 0;
}
