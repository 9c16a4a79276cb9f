/* Executes itself again and again, without a pause. */
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (argc == 1) { puts("up"); fflush(stdout); }
    execl(argv[0], argv[0], "again", NULL);
}
