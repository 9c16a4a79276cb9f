/* Maps code that has no file, and names functions in it in a perf map. Prints the address, or 0 if
   memory cannot be both writable and executable. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    char name[99];
    char *code = mmap(0, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (code == MAP_FAILED) { puts("0"); fflush(stdout); getchar(); return 0; }
    printf("%lx\n", (long)code); fflush(stdout); getchar();
    sprintf(name, "/tmp/perf-%d.map", getpid());
    unlink(name);
    FILE *map = fopen(name, "w");
    fprintf(map, "%lx 40 made::first(int)\nnonsense\n", (long)code); fflush(map);
    puts("first"); fflush(stdout); getchar();
    fprintf(map, "%lx 10 second\n%lx 1", (long)code + 4096, (long)code + 5000); fflush(map);
    puts("second"); fflush(stdout); getchar();
    puts(unlink(name) ? "left" : "gone"); fflush(stdout); getchar();
    return 0;
}
