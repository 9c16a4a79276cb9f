/* Writes to pages at a fixed address, and executes itself again every 2 ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char *p = mmap((void *)0x200000000000, 64 << 12, 3, 0x100022, -1, 0);
    memset(p, 1, 64 << 12);
    if (argc == 1) { puts("ready"); fflush(stdout); }
    usleep(2000);
    execl("/proc/self/exe", "again", "again", (char *)0);
    return 1;
}
