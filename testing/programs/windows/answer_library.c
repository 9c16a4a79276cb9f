/* A library with an exported function and an exported zeroed variable, which takes no space in the file. */
__declspec(dllexport) int zeros[9000];
__declspec(dllexport) int answer(void) { return 42 + zeros[7]; }
