/* Moves its image to memory without a file, as programs do that use huge pages for their code.
   Prints the start and end of the mapping that holds its program headers. The first argument
   selects the rest: "all" moves all mappings, "headers" only that one. "wiped" also clears the ELF
   header, "unmapped" moves all mappings and unmaps that one. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>
static void move(unsigned long start, unsigned long end, const char *access, int wipes) {
    size_t size = end - start;
    char *copy = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED) _Exit(1);
    memcpy(copy, (void *)start, size);
    if (wipes) memset(copy, 0, 64);
    int protection = (access[0] == 'r' ? PROT_READ : 0) | (access[1] == 'w' ? PROT_WRITE : 0)
        | (access[2] == 'x' ? PROT_EXEC : 0);
    if (mprotect(copy, size, protection)) _Exit(1);
    if (mremap(copy, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, start) == MAP_FAILED) _Exit(1);
}
int main(int argc, char **argv) {
    static char lines[64][PATH_MAX + 100];
    char path[PATH_MAX] = "", access[5];
    unsigned long start, end, first = 0, last = 0, headers = getauxval(AT_PHDR);
    int count = 0, only = !strcmp(argv[1], "headers");
    if (readlink("/proc/self/exe", path, sizeof path - 1) < 0) return 1;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (count < 64 && fgets(lines[count], sizeof lines[0], maps))
        if (strstr(lines[count], path)) count++;
    fclose(maps);
    for (int i = 0; i < count; i++) {
        sscanf(lines[i], "%lx-%lx %4s", &start, &end, access);
        int is_first = headers >= start && headers < end;
        if (is_first) { first = start; last = end; }
        if (is_first || !only) move(start, end, access, is_first && !strcmp(argv[1], "wiped"));
    }
    char text[64];
    sprintf(text, "%lx %lx", first, last);
    if (!strcmp(argv[1], "unmapped")) munmap((void *)first, last - first);
    puts(text); fflush(stdout); getchar(); return 0;
}
