/* Prints the addresses of code, a zeroed variable, the stack and the heap. Then loads a library,
   prints two of its symbols, and unloads the library. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <windows.h>
static int zeros[9000];
static void print_and_wait(void) { puts(""); fflush(stdout); if (getchar() == EOF) ExitProcess(0); }
int main(int argc, char **argv) {
    if (argc < 2) return 1;
    printf("%" PRIxPTR " %" PRIxPTR " %" PRIxPTR " %" PRIxPTR, (uintptr_t)main,
        (uintptr_t)&zeros[8000], (uintptr_t)&argc, (uintptr_t)malloc(9));
    print_and_wait();
    HMODULE library = LoadLibraryA(argv[1]);
    if (!library) return 1;
    printf("%" PRIxPTR " %" PRIxPTR, (uintptr_t)GetProcAddress(library, "answer"),
        (uintptr_t)GetProcAddress(library, "zeros"));
    print_and_wait();
    FreeLibrary(library);
    print_and_wait();
    return 0;
}
