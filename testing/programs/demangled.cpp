/* Prints a return address in a member function of a class template. */
#include <stdio.h>
namespace shop {
    template <typename T> struct Till {
        __attribute__((noinline)) void *count(T, const char *) {
            return __builtin_return_address(0);
        }
        __attribute__((noinline)) void ring(T coin) {
            void *at = count(coin, "x");
            printf("%lx %lx\n", (unsigned long)at - 1, (unsigned long)at - 1);
        }
    };
}
int main() { shop::Till<long>().ring(1); fflush(stdout); getchar(); }
