/* Maps executable memory without a file. Prints its address, or 0. */
#include <stdio.h>
#include <sys/mman.h>
int main(void) {
    void *code = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    printf("%lx\n", code == MAP_FAILED ? 0 : (long)code); fflush(stdout); getchar();
}
