/* Prints UTF-16 text with conversion specifiers of Windows. Compiled with UNICODE. */
#include <windows.h>
#include <stdio.h>
#include <tchar.h>

int _tmain(void)
{
    static const WCHAR halves[] = {'h', 0xD83D, 'i', 0xDE00, 0xD83D, 0xDE00, 0xD83D, 0};
    WCHAR buffer[4];
    DWORD dword = 0xFFFFFFFF;

    _tprintf(TEXT("%lu %ld %lx %I32u\n"), dword, (LONG)-5, dword, dword);
    _tprintf(TEXT("%I64u %I64x %I64d %Iu %Ix %ju\n"), 1ULL << 40, 1ULL << 40, -(1LL << 40),
             (SIZE_T)1 << 33, (SIZE_T)255, (uintmax_t)7);
    _tprintf(TEXT("%p %p\n"), (void *)(ULONG_PTR)0xABC, (void *)NULL);
    _tprintf(TEXT("[%hs] [%S] [%ls] [%ws] [%hc] [%C] [%lc] [%8hs] [%-8S]\n"), "narrow", "n\xC3\xA4",
             TEXT("wide"), TEXT("wide"), 'h', 'C', TEXT('\u00e4'), "n\xC3\xA4", "n\xC3\xA4");
    _tprintf(TEXT("[%s] [%hs] [%.3s] [%S]\n"), (LPCTSTR)NULL, (LPCSTR)NULL, (LPCTSTR)NULL,
             "\xF0\x9F\x98\x80");
    _tprintf(TEXT("[%hs]\n"), "a\xFF\xC3(\xE2\x82|\xED\xA0\x80|\xF0\x9F\x98");
    _tprintf(TEXT("[%s]\n"), halves);
    _tprintf(TEXT("%d\n"), _sntprintf(buffer, 4, TEXT("%S"), "\xF0\x9F\x98\x80\xE2\x82\xAC"));
    _tprintf(TEXT("%x %x %x %x\n"), buffer[0], buffer[1], buffer[2], buffer[3]);
    _tprintf(TEXT("%d "), _sntprintf(buffer, 4, TEXT("%y")));
    _tprintf(TEXT("%d\n"), errno == EINVAL);
    return 0;
}
