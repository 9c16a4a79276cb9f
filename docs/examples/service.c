/* A service that works on request, for docs/working-sets.md.
 *
 * cc -g -O1 -o service service.c; each line on its standard input is a request.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MIB = 1 << 20, PAGE = 4096 };

static const char *index_file;
static long sum;

/* Maps a file of 32 MiB and reads all of it. */
static void load_index(const char *path) {
    int fd = open(path, O_RDONLY);
    const char *mapped = mmap(0, 32 * MIB, PROT_READ, MAP_PRIVATE, fd, 0);
    if (fd < 0 || mapped == MAP_FAILED) { perror(path); exit(1); }
    for (long at = 0; at < 32 * MIB; at += PAGE) sum += mapped[at];
    index_file = mapped;
    close(fd);
}

/* Builds a cache of 24 MiB, which is never freed. */
static char *build_cache(void) {
    char *cache = malloc(24 * MIB);
    if (!cache) { perror("cache"); exit(1); }
    for (long at = 0; at < 24 * MIB; at += PAGE) cache[at] = index_file[at];
    return cache;
}

/* Writes a reply to the stack. */
static void answer(int number) {
    volatile char reply[MIB];
    for (long at = 0; at < MIB; at++) reply[at] = (char)number;
    sum += reply[number];
}

int main(int argc, char **argv) {
    char line[64];
    while (argc == 2 && fgets(line, sizeof line, stdin)) {
        if (!index_file) load_index(argv[1]);
        sum += build_cache()[0];
        for (int i = 0; i < 100; i++) answer(i);
    }
    return 0;
}
