/* Prints numbers with the size prefixes of Windows, with and without UNICODE. Later arguments show
   whether the earlier ones were taken with the right size. */
#include <windows.h>
#include <stdio.h>
#include <tchar.h>

static int print(const TCHAR *format, ...)
{
    int length;
    va_list args;
    va_start(args, format);
    length = _vtprintf(format, args);
    va_end(args);
    return length;
}

static int format(TCHAR *to, size_t size, const TCHAR *format, ...)
{
    int length;
    va_list args;
    va_start(args, format);
    length = _vstprintf_s(to, size, format, args);
    va_end(args);
    return length;
}

int _tmain(void)
{
    ULONGLONG large = 1ULL << 40;
    SIZE_T size = (SIZE_T)3 << 20;
    LONG negative = -5;
    TCHAR text[64];

    _tprintf(TEXT("%I64u %I64d %I64x %I64X %I64o %s\n"), large, -(LONGLONG)large, large, large, large,
             TEXT("end"));
    _tprintf(TEXT("%I32u %I32d %I32x %Iu %Id %Ix %Ii %s\n"), 4000000000u, negative, 255u, size,
             (SSIZE_T)-1, size, (SSIZE_T)7, TEXT("end"));
    _tprintf(TEXT("[%20I64u] [%-20I64d] [%020I64x] [%+I64d] [%#I64x] [%.15I64u] [%*I64d] %s\n"), large,
             (LONGLONG)large, large, (LONGLONG)large, large, large, 15, (LONGLONG)large,
             TEXT("end"));
    _tprintf(TEXT("[%8Iu] [%-8Iu] [%.*I32d] I64 %%I64u %d%%Iu %c %s\n"), size, size, 3, negative, 1,
             'I', TEXT("%I64u"));
    _ftprintf(stdout, TEXT("%I64u %s\n"), large, TEXT("end"));
    print(TEXT("%I64u %Iu %s\n"), large, size, TEXT("end"));
    _stprintf(text, TEXT("%I64u %s"), large, TEXT("end"));
    _tprintf(TEXT("%s\n"), text);
    _tprintf(TEXT("%d "), _sntprintf(text, 64, TEXT("%I64u %s"), large, TEXT("end")));
    _tprintf(TEXT("%s\n"), text);
    _tprintf(TEXT("%d "), _stprintf_s(text, 64, TEXT("%Iu %s"), size, TEXT("end")));
    _tprintf(TEXT("%s\n"), text);
    _tprintf(TEXT("%d "), format(text, 64, TEXT("%I32d %s"), negative, TEXT("end")));
    _tprintf(TEXT("%s\n"), text);
    /* Longer than any buffer on the stack. */
    _tprintf(TEXT("................................................................")
             TEXT("................................................................")
             TEXT("................................................................")
             TEXT("................................................................")
             TEXT("................................................................%I64u %Iu %s\n"),
             large, size, TEXT("end"));
    return 0;
}
