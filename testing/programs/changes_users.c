/* Prints the address of executable memory without a file. Its real user is the first argument, its
   effective and saved user the second one. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char *code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int real = atoi(argv[1]), other = atoi(argv[2]);
    if (argc != 3 || setresuid(real, other, other)) return 1;
    prctl(PR_SET_DUMPABLE, 1);
    printf("%lx\n", code == MAP_FAILED ? 0L : (long)code); fflush(stdout); getchar();
    return 0;
}
