/* Lists its modules. With an argument, loads that library and lists them again. */
#include "list_modules.h"
int main(int argc, char **argv) {
    list_modules();
    if (argc < 2) return 0;
    if (!dlopen(argv[1], RTLD_NOW)) { puts(dlerror()); exit(1); }
    list_modules();
}
