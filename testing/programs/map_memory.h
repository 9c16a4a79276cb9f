/* Anonymous memory, and the units page and MIB, for the programs of tests of pictures. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#define MIB (1UL << 20)
#define page ((unsigned long)sysconf(_SC_PAGESIZE))
static char *map(unsigned long size, int flags) {
    flags |= MAP_ANONYMOUS | MAP_NORESERVE;
    return mmap(0, size, PROT_READ | PROT_WRITE, flags, -1, 0);
}
static void wait_for_input(void) { fflush(stdout); getchar(); }
