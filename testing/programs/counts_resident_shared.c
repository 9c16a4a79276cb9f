/* Writes to shared memory and to a shared file, and prints the addresses. For each line of input,
   prints how many pages of the shared memory are resident. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, 4 << 20)) { perror(argv[1]); return 1; }
    char *shared = mmap(0, 4 << 20, 3, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *file = mmap(0, 4 << 20, 3, MAP_SHARED, fd, 0);
    memset(shared, 1, 4 << 20);
    memset(file, 1, 4 << 20);
    printf("%lu %lu\n", (long)shared, (long)file); fflush(stdout);
    while (getchar() != EOF) {
        static unsigned char in[1024];
        int pages = 0;
        if (mincore(shared, 4 << 20, in)) perror("mincore");
        for (int i = 0; i < 1024; i++) pages += in[i] & 1;
        printf("%d\n", pages); fflush(stdout);
    }
}
