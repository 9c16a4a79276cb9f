/* Prints the addresses of code, a zeroed variable, the stack and the heap. Then loads a library,
   prints two of its symbols, unloads the library, and executes another program. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static int zeros[9000];
static void print_and_wait(void) { puts(""); fflush(stdout); if (getchar() == EOF) _Exit(0); }
int main(int argc, char **argv) {
    printf("%lx %lx %lx %lx", (long)main, (long)&zeros[8000], (long)&argc, (long)malloc(9));
    print_and_wait();
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library) { puts(dlerror()); exit(1); }
    printf("%lx %lx", (long)dlsym(library, "answer"), (long)dlsym(library, "zeros"));
    print_and_wait();
    dlclose(library);
    print_and_wait();
    execl(argv[2], argv[2], (char *)0);
    return 1;
}
