/* Prints three addresses: in "middle", which is inlined into "outer"; in "outer" itself; and of
   "print_and_wait". Then waits twice. */
#include <stdio.h>
#include <stdlib.h>
static void print_and_wait(const char *s) { puts(s); fflush(stdout); if (getchar() == EOF) _Exit(0); }
static char line[200];
__attribute__((noinline)) void record(void) {
    void *at = __builtin_return_address(0);
    sprintf(line + __builtin_strlen(line), "%lx ", (unsigned long)at - 1);
}
static inline __attribute__((always_inline)) void middle(int n) {
    if (n > 100) puts("many");
    record(); /* in middle */
    __asm__ volatile("" : : "r"(n)); /* prevents a tail call */
}
__attribute__((noinline)) void outer(int n) {
    middle(n); /* in outer */
    record(); /* in outer itself */
    __asm__ volatile("" : : "r"(n)); /* prevents a tail call */
}
int main(int argc, char **argv) {
    outer(argc);
    sprintf(line + __builtin_strlen(line), "%lx", (long)print_and_wait);
    print_and_wait(line);
    print_and_wait("again");
    return 0;
}
