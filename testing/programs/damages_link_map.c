/* Damages the dynamic linker's list of modules by the statement that DAMAGE expands to, between two
   lines of output. */
#include "list_modules.h"
int main(void) {
    struct r_debug *debug = 0;
    for (ElfW(Dyn) *entry = _DYNAMIC; entry->d_tag; entry++)
        if (entry->d_tag == DT_DEBUG) debug = (void *)entry->d_un.d_ptr;
    struct link_map *second = debug->r_map->l_next;
    print_and_wait("");
    DAMAGE;
    print_and_wait("");
}
