/* One of two files of a program. Both include all headers. */
#include <tchar.h>
#include <psapi.h>

int length(const TCHAR *text);
int length(const TCHAR *text)
{
    return (int)_tcslen(text);
}
