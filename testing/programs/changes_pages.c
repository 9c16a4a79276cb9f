/* Maps one range for each kind of change, prints the addresses, and waits. Then makes all changes
   and waits. Then executes itself again. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
static size_t mib = 1 << 20;
static volatile char sum;
static char *map_at(char *at, size_t size, int flags, int fd) {
    char *p = mmap(at, size, PROT_READ | PROT_WRITE, flags | MAP_FIXED, fd, 0);
    if (p == MAP_FAILED) { perror("mmap"); _Exit(1); }
    madvise(p, size, MADV_NOHUGEPAGE);
    return p;
}
static void read_all(const char *p, size_t size) {
    for (size_t i = 0; i < size; i += 4096) sum += p[i];
}
static void print_address(const char *name, char *p) { printf("%s %lu,", name, (long)p); }
static void pause_here(void) { printf("end 0\n"); fflush(stdout); getchar(); }
int main(int argc, char **argv) {
    if (argc == 3) { pause_here(); return 0; }
    int own = MAP_PRIVATE | MAP_ANONYMOUS;
    /* Inaccessible pages around each range leave it room to grow. */
    char *room = mmap(0, 272 * mib, PROT_NONE, own | MAP_NORESERVE, -1, 0);
    #define PLACE(n) (room + (n) * 16 * mib + mib)
    char *touched = map_at(PLACE(0), 4 * mib, own, -1); memset(touched, 1, mib);
    char *dropped = map_at(PLACE(1), 4 * mib, own, -1); memset(dropped, 1, 4 * mib);
    char *grown = map_at(PLACE(2), mib, own, -1); memset(grown, 1, mib);
    munmap(grown + mib, 2 * mib);
    char *unmapped = map_at(PLACE(3), mib, own, -1); memset(unmapped, 1, mib);
    char *split = map_at(PLACE(4), 3 * mib, own, -1); memset(split, 1, 3 * mib);
    int fd = open(argv[1], O_RDWR | O_CREAT, 0600);
    char block[1 << 20]; memset(block, 1, mib);
    if (fd < 0 || write(fd, block, mib) != mib) { perror(argv[1]); return 1; }
    char *copied = map_at(PLACE(5), mib, MAP_PRIVATE, fd); read_all(copied, mib);
    char *replaced = map_at(PLACE(6), mib, MAP_PRIVATE, fd); read_all(replaced, mib);
    char *zeros = map_at(PLACE(7), mib, own, -1); read_all(zeros, mib);
    char *locked = map_at(PLACE(8), 64 << 10, own, -1); memset(locked, 1, 64 << 10);
    int shared_fd = memfd_create("shared", 0);
    if (ftruncate(shared_fd, mib)) return 1;
    char *shared = map_at(PLACE(9), mib, MAP_SHARED, shared_fd); memset(shared, 1, mib);
    char *moved = map_at(PLACE(10), mib, own, -1); memset(moved, 1, mib);
    char *target = PLACE(11);
    char *same = map_at(PLACE(12), mib, own, -1); memset(same, 1, mib);
    char *later = PLACE(13);
    char *guarded = map_at(PLACE(14), mib, own, -1); memset(guarded, 1, mib);
    print_address("touched", touched); print_address("dropped", dropped);
    print_address("grown", grown); print_address("unmapped", unmapped);
    print_address("split", split); print_address("copied", copied);
    print_address("replaced", replaced); print_address("zeros", zeros);
    print_address("locked", locked); print_address("shared", shared); print_address("moved", moved);
    print_address("target", target); print_address("same", same); print_address("later", later);
    print_address("guarded", guarded);
    int other = open("/proc/self/exe", O_RDONLY);
    char *shifted = mmap(PLACE(15), 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 0);
    sum += *shifted;
    print_address("shifted", shifted);
    int ready[2];
    if (pipe(ready)) return 1;
    pause_here();

    memset(touched + mib, 1, mib);
    madvise(dropped + mib, 2 * mib, MADV_DONTNEED);
    if (mremap(grown, mib, 2 * mib, 0) != grown) return 1;
    memset(grown + mib, 1, mib);
    munmap(unmapped, mib);
    mprotect(split + mib, mib, PROT_READ);
    memset(copied, 2, mib / 2);
    char *p = mmap(replaced, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 0);
    if (p != replaced) return 1;
    sum += *p;
    p = mmap(shifted, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 4096);
    if (p != shifted) return 1;
    sum += *p;
    memset(zeros, 1, mib / 4);
    if (mlock(locked, 64 << 10)) return 1;
    if (!fork()) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        read_all(shared, mib);
        if (write(ready[1], "x", 1) != 1) _exit(1);
        pause();
    }
    char c;
    if (read(ready[0], &c, 1) != 1) return 1;
    mremap(moved, mib, mib, MREMAP_MAYMOVE | MREMAP_FIXED, target);
    memset(map_at(later, mib, own, -1), 1, mib);
    int guards = madvise(guarded + mib / 2, mib / 4, 102 /* MADV_GUARD_INSTALL */) == 0;
    printf("guards %d,", guards);
    pause_here();

    char *arguments[] = {argv[0], argv[1], "again", 0};
    execv("/proc/self/exe", arguments);
    return 1;
}
