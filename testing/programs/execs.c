/* Prints the address of main. After a character of input, executes the command in its arguments. */
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    printf("%lx\n", (long)main); fflush(stdout);
    if (getchar() == EOF) return 0;
    execv(argv[1], argv + 1);
    return 1;
}
