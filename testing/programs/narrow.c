/* A 32-bit program without a C library. Prints a line and waits for a character of input. */
static int call(int number, int a, const void *b, int c) {
    int result;
    __asm__ volatile("int $0x80" : "=a"(result)
                     : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}
void named_start(void) {
    char c;
    call(4, 1, "up\n", 3);
    call(3, 0, &c, 1);
    call(1, 0, 0, 0);
}
