/* Maps the executable, a memfd, shared memory, private memory and a hole, and prints the
   addresses. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int fd = open("/proc/self/exe", O_RDONLY);
    int memory = memfd_create("named", 0);
    if (ftruncate(memory, 8192)) return 1;
    void *file = mmap(0, 8192, PROT_READ, MAP_PRIVATE, fd, 4096);
    void *memfd = mmap(0, 8192, PROT_READ, MAP_SHARED, memory, 0);
    void *shared = mmap(0, 8192, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *private = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *hole = mmap(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(hole, 8192);
    printf("%zx %zx %zx %zx %zx\n", (size_t)file, (size_t)memfd, (size_t)shared,
        (size_t)private, (size_t)hole);
    fflush(stdout);
    getchar();
}
