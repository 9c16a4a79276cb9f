/* A shared library with a function and a zeroed variable, which takes no space in the file. */
int zeros[9000];
int answer(void) { return 42 + zeros[7]; }
