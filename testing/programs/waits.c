/* Prints the address of main and waits until standard input is closed. */
#include <stdio.h>
int main(void) {
    printf("%lx\n", (long)main); fflush(stdout);
    while (getchar() != EOF) {}
    return 0;
}
