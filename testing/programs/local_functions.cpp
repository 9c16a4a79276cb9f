/* Prints the addresses of instructions in functions that have the same short name: two overloads of
   "fill" and two lambdas, all local to this file. */
#include <stdio.h>
#include <string.h>
static char line[200];
__attribute__((noinline)) static void record() {
    void *at = __builtin_return_address(0);
    sprintf(line + strlen(line), "%lx ", (unsigned long)at - 1);
}
namespace {
__attribute__((noinline)) void fill(int n) { record(); __asm__ volatile("" : : "r"(n)); }
__attribute__((noinline)) void fill(double d) { record(); __asm__ volatile("" : : "m"(d)); }
}
int main(int argc, char **) {
    auto first = [](int n) __attribute__((noinline)) { record(); __asm__ volatile("" : : "r"(n)); };
    auto second = [](int n) __attribute__((noinline)) { record(); __asm__ volatile("nop" : : "r"(n)); };
    fill(argc); fill(argc + 0.5); first(argc); second(argc);
    puts(line); fflush(stdout); getchar();
}
