/* A program without the functions of any other one. */
int wrong(int n) { return n * n; }
int main(void) { return wrong(1); }
