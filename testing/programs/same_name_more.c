/* Touches 200 pages in the static function "fill". Part of "same_name.c". */
__attribute__((noinline)) static void fill(char *p, long n) {
    for (long i = 0; i < n; i++) ((volatile char *)p)[i * 4096] = 2;
}
void fill_more(char *p) {
    fill(p, 200);
}
