/* Writes to all private memory that is mapped. A page that was only read is a zero page, which can
   be distinguished from other pages only with CAP_SYS_ADMIN or by PAGEMAP_SCAN. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
static void write_everywhere(void) {
    char line[512], flags[5];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps)) {
        size_t start, end;
        if (sscanf(line, "%zx-%zx %4s", &start, &end, flags) != 3 || strcmp(flags, "rw-p")) continue;
        for (volatile char *p = (char *)start; p < (char *)end; p += 4096) *p = *p;
    }
    fclose(maps);
}
