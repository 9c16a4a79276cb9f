/* Maps memory that the kernel cannot read itself, and prints its address, or 0 if memfd_secret
   fails. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447
#endif
int main(void) {
    int file = syscall(SYS_memfd_secret, 0);
    void *at = MAP_FAILED;
    if (file >= 0 && !ftruncate(file, 8192))
        at = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (at != MAP_FAILED) memset(at, 1, 4096);
    printf("%lx\n", at == MAP_FAILED ? 0 : (long)at);
    fflush(stdout);
    getchar();
    return 0;
}
