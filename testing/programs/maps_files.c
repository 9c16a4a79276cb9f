/* Maps a page of each file that is named by an argument, and prints the addresses. The letters
   before the colon of an argument say how: "p" privately, "s" shared, "d" deletes the file
   afterwards. The argument "root:DIRECTORY" changes the root directory instead. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        char *path = strchr(argv[i], ':');
        if (!path) return 2;
        *path++ = 0;
        if (!strcmp(argv[i], "root")) {
            if (chroot(path)) { perror(path); return 1; }
            continue;
        }
        int shared = !!strchr(argv[i], 's'), deleted = !!strchr(argv[i], 'd');
        int file = open(path, shared ? O_RDWR : O_RDONLY);
        if (file < 0) { perror(path); return 1; }
        void *at = mmap(0, 4096, PROT_READ, shared ? MAP_SHARED : MAP_PRIVATE, file, 0);
        if (at == MAP_FAILED || (deleted && unlink(path))) { perror(path); return 1; }
        close(file);
        printf("%lx ", (long)at);
    }
    puts("");
    fflush(stdout);
    getchar();
    return 0;
}
