/* Prints the address of its memory and of the function that writes to it. Writes to the next 100
   pages for each character of input. */
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
__attribute__((noinline)) void touch(volatile char *p, long pages) {
    for (long i = 0; i < pages; i++) p[i * 4096] = 1;
}
int main(void) {
    setvbuf(stdin, 0, _IONBF, 0);
    char *p = mmap(0, 4096 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 4096 * 4096, MADV_NOHUGEPAGE);
    printf("%zx %zx\n", (size_t)p, (size_t)touch);
    fflush(stdout);
    for (char *next = p; getchar() != EOF; next += 100 * 4096) {
        touch(next, 100);
        puts("."); fflush(stdout);
    }
}
