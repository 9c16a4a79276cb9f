/* Memory whose pages the stand-in for Wine describes as they are. It knows no contents, so it
   follows a rule, which touch() makes true: a page is in the working set unless its index in its
   region is 3 modulo 4, and locked if its index is 1 modulo 16. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>
#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)
static inline char *commit_at(char *at, size_t size, DWORD protection) {
    char *p = VirtualAlloc(at, size, MEM_RESERVE | MEM_COMMIT, protection);
    if (!p) ExitProcess(97);
    return p;
}
static inline char *commit(size_t size) { return commit_at(NULL, size, PAGE_READWRITE); }
/* Writes to pages of a region. Locking can fail beyond the minimum of the working set. */
static inline void touch(char *region, size_t pages) {
    for (size_t i = 0; i < pages; i++) {
        if (i % 4 != 3) region[i * PAGE] = 1;
        if (i % 16 == 1) VirtualLock(region + i * PAGE, PAGE);
    }
}
static inline void print_line(const char *line) { puts(line); fflush(stdout); }
static inline void wait_for_input(void) { fflush(stdout); if (getchar() == EOF) ExitProcess(0); }
