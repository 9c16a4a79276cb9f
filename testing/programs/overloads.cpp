/* Touches 100 and 200 pages in two overloads of "fill". Touches 30 and 80 pages in two lambdas that
   are inlined into "run", the second one in two places. */
#include <sys/mman.h>
namespace {
__attribute__((noinline)) void fill(char *p, int n) {
    for (int i = 0; i < n; i++) ((volatile char *)p)[i * 4096] = 1;
}
__attribute__((noinline)) void fill(char *p, long n) {
    for (long i = 0; i < n; i++) ((volatile char *)p)[i * 4096] = 2;
}
}
__attribute__((noinline)) void run(char *p) {
    auto first = [](char *p) __attribute__((always_inline)) {
        for (int i = 0; i < 30; i++) ((volatile char *)p)[i * 4096] = 3;
    };
    auto second = [](char *p) __attribute__((always_inline)) {
        for (int i = 0; i < 40; i++) ((volatile char *)p)[i * 4096] = 4;
    };
    first(p);
    second(p + 30 * 4096);
    second(p + 70 * 4096);
}
int main() {
    char *p = (char *)mmap(0, 4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(p, 4 << 20, MADV_NOHUGEPAGE);
    fill(p, 100);
    fill(p + (1 << 20), 200L);
    run(p + (2 << 20));
}
