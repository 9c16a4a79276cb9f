/* Loads the library named by its argument and calls it after the group leader has exited. Prints
   the results of EnumProcesses and its return values. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
static void *call_after_exit(void *path) {
    char stat[512] = "";
    while (!strstr(stat, ") Z ")) {
        FILE *file = fopen("/proc/self/stat", "r");
        if (!fgets(stat, sizeof stat, file)) break;
        fclose(file);
    }
    void *library = dlopen(path, RTLD_NOW);
    int (*processes)(unsigned *, unsigned, unsigned *) = dlsym(library, "EnumProcesses");
    unsigned ids[4096], needed = 0;
    int done = processes(ids, sizeof ids, &needed);
    int refused = !processes((unsigned *)8, sizeof ids, &needed);
    printf("%d %d %d\n", done, needed > 0, refused); fflush(stdout);
    getchar();
    _exit(0);
}
int main(int argc, char **argv) {
    pthread_t id;
    pthread_create(&id, 0, call_after_exit, argv[1]);
    pthread_exit(0);
}
