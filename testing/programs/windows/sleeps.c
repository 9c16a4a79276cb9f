/* Prints a line and sleeps until it is killed. */
#include <stdio.h>
#include <windows.h>
int main(void) { puts("ready"); fflush(stdout); Sleep(INFINITE); return 0; }
