/* Prints the address of malloc. Then loads a library, prints the address of a function in it, and
   unloads it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
static void print_and_wait(void) { puts(""); fflush(stdout); if (getchar() == EOF) _Exit(0); }
int main(int argc, char **argv) {
    printf("%lx", (long)malloc);
    print_and_wait();
    void *library = dlopen(argv[1], RTLD_NOW);
    if (!library) { puts(dlerror()); exit(1); }
    printf("%lx", (long)dlsym(library, "answer"));
    print_and_wait();
    dlclose(library);
    print_and_wait();
    return 0;
}
