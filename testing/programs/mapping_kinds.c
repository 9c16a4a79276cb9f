/* Makes one mapping of each kind and prints their kinds and addresses. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <unistd.h>
static void *map(const char *kind, int prot, int flags, int fd, off_t offset) {
    void *p = mmap(0, 8192, prot, flags, fd, offset);
    if (p == MAP_FAILED) { perror(kind); exit(1); }
    printf("%s %lx ", kind, (long)p);
    return p;
}
int main(int argc, char **argv) {
    int file = open(argv[1], O_RDWR), gone = open(argv[2], O_RDWR);
    if (file < 0 || gone < 0 || unlink(argv[2])) exit(1);
    int memfd = memfd_create("a name (deleted)", 0);
    if (ftruncate(memfd, 8192)) exit(1);
    int segment = shmget(0x5a5a1234 ^ getpid(), 8192, IPC_CREAT | IPC_EXCL | 0600);
    if (segment < 0) { perror("shmget"); exit(1); }
    void *attached = shmat(segment, 0, 0);
    shmctl(segment, IPC_RMID, 0);
    int zero = open("/dev/zero", O_RDWR);
    int all = PROT_READ | PROT_WRITE, anonymous = MAP_ANONYMOUS;
    map("shared-file", all, MAP_SHARED, file, 4096);
    map("private-file", PROT_READ, MAP_PRIVATE, file, 0);
    map("deleted", PROT_READ, MAP_SHARED, gone, 0);
    map("memfd", all, MAP_SHARED, memfd, 0);
    map("shared", all, MAP_SHARED | anonymous, -1, 0);
    map("shared-zero", all, MAP_SHARED, zero, 0);
    map("private-zero", all, MAP_PRIVATE, zero, 0);
    map("private", PROT_NONE, MAP_PRIVATE | anonymous, -1, 0);
    void *named = map("named", all, MAP_PRIVATE | anonymous, -1, 0);
    prctl(0x53564d41, 0, named, 8192, "my arena");
    void *hole = map("hole", PROT_READ, MAP_PRIVATE | anonymous, -1, 0);
    munmap(hole, 8192);
    printf("sysv %lx key %x id %x ", (long)attached, 0x5a5a1234 ^ getpid(), segment);
    printf("heap %lx stack %lx code %lx\n", (long)malloc(10), (long)&argc, (long)&main);
    fflush(stdout);
    getchar();
}
