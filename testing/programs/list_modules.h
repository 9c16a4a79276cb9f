/* Lists the modules, with the base, size and name of each, as the dynamic linker reports them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static void print_and_wait(const char *s) { puts(s); fflush(stdout); if (getchar() == EOF) _exit(0); }
static int print_module(struct dl_phdr_info *info, size_t size, void *data) {
    unsigned long first = -1UL, end = 0, page = getpagesize();
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        if (p->p_type != PT_LOAD) continue;
        if (p->p_vaddr < first) first = p->p_vaddr;
        if (p->p_vaddr + p->p_memsz > end) end = p->p_vaddr + p->p_memsz;
    }
    first &= -page;
    end = (end + page - 1) & -page;
    printf("%lx %lx %s|", (unsigned long)info->dlpi_addr + first, end - first, info->dlpi_name);
    return 0;
}
static void list_modules(void) { dl_iterate_phdr(print_module, 0); print_and_wait(""); }
