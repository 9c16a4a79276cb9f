/* Maps a file with a path of over 512 bytes and one with a path longer than PATH_MAX. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
int main(int argc, char **argv) {
    char name[201];
    memset(name, 'n', 200);
    name[200] = 0;
    if (chdir(argv[1])) exit(1);
    for (int i = 0; i < 25; i++) {
        if (mkdir(name, 0755) || chdir(name)) exit(1);
        if (i != 2 && i != 24) continue;
        int fd = open("file", O_RDWR | O_CREAT, 0644);
        if (ftruncate(fd, 4096)) exit(1);
        printf("%lx ", (long)mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0));
    }
    puts("");
    fflush(stdout);
    getchar();
}
