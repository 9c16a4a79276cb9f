/* Writes to private and shared memory, and prints the addresses. For each line of input, prints
   whether private memory is intact. */
#include "commit_memory.h"
int main(void) {
    char *private = commit(8 * MIB);
    touch(private, 8 * MIB / PAGE);
    for (size_t i = 0; i < 8 * MIB / PAGE; i++) if (i % 4 != 3) private[i * PAGE] = (char)i;
    HANDLE section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, 4 * MIB, NULL);
    char *shared = MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0);
    if (!shared) return 1;
    touch(shared, 4 * MIB / PAGE);
    printf("%" PRIuPTR " %" PRIuPTR "\n", (uintptr_t)private, (uintptr_t)shared);
    fflush(stdout);
    while (getchar() != EOF) {
        int good = 1;
        for (size_t i = 0; i < 8 * MIB / PAGE; i++) if (i % 4 != 3) good &= private[i * PAGE] == (char)i;
        print_line(good ? "good" : "bad");
    }
    return 0;
}
