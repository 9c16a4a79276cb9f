/* Has six threads besides its first. */
#include <stdio.h>
#include <windows.h>
static DWORD WINAPI wait_forever(void *p) { (void)p; Sleep(INFINITE); return 0; }
int main(void) {
    for (int i = 0; i < 6; i++)
        if (!CreateThread(0, 0, wait_forever, 0, 0, 0)) return 1;
    puts("ready"); fflush(stdout); getchar(); return 0;
}
