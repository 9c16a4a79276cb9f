/* Prints the address of a local function in the vDSO, or 0. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
int main(void) {
    void *vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
    void *f = vdso ? dlvsym(vdso, "__vdso_clock_gettime", "LINUX_2.6") : 0;
    printf("%lx\n", (long)f); fflush(stdout); getchar(); return 0;
}
