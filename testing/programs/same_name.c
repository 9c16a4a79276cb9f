/* Touches 100 pages in the static function "fill", and calls "fill_more" in another file, which has
   a static function of the same name. */
#define _GNU_SOURCE
#include <sys/mman.h>
void fill_more(char *p);
__attribute__((noinline)) static void fill(char *p, long n) {
    for (long i = 0; i < n; i++) ((volatile char *)p)[i * 4096] = 1;
}
int main(void) {
    char *p = mmap(0, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 4 << 20, MADV_NOHUGEPAGE);
    fill(p, 100);
    fill_more(p + (2 << 20));
    return 0;
}
