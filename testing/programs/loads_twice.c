/* Maps the file of a library as data, then loads the library in two namespaces and prints both
   biases. */
#include "list_modules.h"
int main(int argc, char **argv) {
    int fd = open(argv[1], O_RDONLY);
    if (mmap(0, 1 << 14, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) exit(1);
    print_and_wait("data");
    void *handle[2] = { dlopen(argv[1], RTLD_NOW), dlmopen(LM_ID_NEWLM, argv[1], RTLD_NOW) };
    struct link_map *map[2];
    for (int i = 0; i < 2; i++)
        if (!handle[i] || dlinfo(handle[i], RTLD_DI_LINKMAP, &map[i])) exit(1);
    printf("%lx %lx", (long)map[0]->l_addr, (long)map[1]->l_addr);
    print_and_wait("");
}
