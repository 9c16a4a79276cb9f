/* Writes to the same pages in an endless loop. */
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    volatile char *p = calloc(1, 64 << 10);
    puts("up"); fflush(stdout);
    for (;;) for (int i = 0; i < 64 << 10; i += 4096) p[i]++;
}
