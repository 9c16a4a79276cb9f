/* A library with an exported function and a zeroed variable, which takes no space in the file. */
int zeros[9000];
__declspec(dllexport) int answer(void) { return 42 + zeros[7]; }
