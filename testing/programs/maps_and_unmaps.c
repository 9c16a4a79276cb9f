/* Maps, writes and unmaps 16 MiB fifty times, without a pause. */
#include <stdio.h>
#include <sys/mman.h>
int main(void) {
    puts("."); fflush(stdout); getchar();
    for (int round = 0; round < 50; round++) {
        char *p = mmap(0, 16 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        madvise(p, 16 << 20, MADV_NOHUGEPAGE);
        for (long i = 0; i < 4096; i++) ((volatile char *)p)[i * 4096] = 1;
        munmap(p, 16 << 20);
    }
    puts("."); fflush(stdout); getchar();
}
