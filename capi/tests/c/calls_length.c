/* Calls the function of length.c. Both files include all headers. */
#include <tchar.h>
#include <psapi.h>

int length(const TCHAR *text);
int _tmain(void)
{
    return length(TEXT("four")) == 4 ? 0 : 1;
}
