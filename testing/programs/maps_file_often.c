/* Maps a part of a file many times. Arguments: the file, the count, the offset and the size. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
int main(int argc, char **argv) {
    int file = open(argv[1], O_RDONLY);
    long offset = atol(argv[3]), size = atol(argv[4]);
    for (long count = atol(argv[2]); count > 0; count--)
        if (mmap(0, size, PROT_READ | PROT_EXEC, MAP_PRIVATE, file, offset) == MAP_FAILED)
            return 1;
    puts("up"); fflush(stdout); getchar();
}
