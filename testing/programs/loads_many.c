/* Loads the libraries in its arguments and prints the address of a function in each. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_NOW);
        if (!library) { puts(dlerror()); exit(1); }
        printf("%lx ", (long)dlsym(library, "answer"));
    }
    puts(""); fflush(stdout); getchar();
}
