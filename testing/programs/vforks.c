/* Forks a child that shares its memory, and prints the child's id and the address of main. The
   child executes a shell after a character of input. */
#define _GNU_SOURCE
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv) {
    if (vfork() == 0) {
        char c;
        dprintf(1, "%d %lx\n", getpid(), (long)&main);
        if (read(0, &c, 1) == 1) execl("/bin/sh", "sh", "-c", "echo up; read line", (char *)0);
        _exit(1);
    }
    getchar();
}
