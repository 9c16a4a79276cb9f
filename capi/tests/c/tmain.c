/* Returns 2 if called with the argument "x". FORM selects one of the signatures of _tmain. */
#include <tchar.h>

#if FORM == 0
int _tmain(int argc, TCHAR *argv[]) { return argc + argv[1][0] - 'x'; }
#elif FORM == 1
int __cdecl _tmain(int argc, _TCHAR **argv) { return argc + argv[1][0] - 'x'; }
#elif FORM == 2
int _tmain(int argc, LPTSTR argv[]) { return argc + argv[1][0] - 'x'; }
#elif FORM == 3
int _tmain(void) { return 2; }
#elif FORM == 4
int _tmain(VOID) { return 2; }
#elif FORM == 5
int
_tmain
(int argc, TCHAR **argv) { return argv[argc] == NULL ? argc : 0; }
#elif FORM == 6
int _tmain(int argc, TCHAR *argv[], TCHAR *envp[])
{ return argc + argv[1][0] - 'x' + (envp[0] == NULL); }
#elif FORM == 7
/* Forms 7 and 8 are compiled as C++ only. In C, empty parentheses do not declare a prototype. */
int _tmain() { return 2; }
#elif FORM == 8
int _tmain(int argc, TCHAR *argv[]) { return argc == 2 && argv[1][0] == 'x' ? 2 : 0; }
#else
#error "FORM is out of range"
#endif
