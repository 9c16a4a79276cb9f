/* Maps, writes and unmaps 64 small pages every millisecond. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void) {
    puts("."); fflush(stdout);
    for (;;) {
        char *p = mmap(0, 64 << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        for (long i = 0; i < 64; i++) ((volatile char *)p)[i * 4096] = 1;
        munmap(p, 64 << 12);
        usleep(1000);
    }
}
