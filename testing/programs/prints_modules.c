/* Prints the base and size of each module in the order of the dynamic linker, then the entry
   point. */
#define _GNU_SOURCE
#include <link.h>
#include <stdio.h>
static int print_module(struct dl_phdr_info *info, size_t size, void *data) {
    unsigned long first = ~0ul, last = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD) continue;
        unsigned long start = segment->p_vaddr & ~4095ul;
        unsigned long end = (segment->p_vaddr + segment->p_memsz + 4095) & ~4095ul;
        if (start < first) first = start;
        if (end > last) last = end;
    }
    printf("%lx %lx ", (unsigned long)info->dlpi_addr + first, last - first);
    return 0;
}
int main(void) {
    dl_iterate_phdr(print_module, 0);
    extern char _start[];
    printf("%lx\n", (unsigned long)_start);
    fflush(stdout);
    getchar();
}
