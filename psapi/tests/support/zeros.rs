//! Programs that map no page of zeros.

/// A function in C. Where a program only read, it has pages of zeros, which are told from others by
/// who sees frames, and by `PAGEMAP_SCAN`: this writes to all private memory that is mapped by then.
pub const WRITE_EVERYWHERE: &str = r#"
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
"#;
