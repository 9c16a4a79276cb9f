/* Loads the library in its argument, if there is one, and lists its modules. */
#include "list_modules.h"
int main(int argc, char **argv) {
    if (argc > 1 && !dlopen(argv[1], RTLD_NOW)) { puts(dlerror()); exit(1); }
    list_modules();
}
