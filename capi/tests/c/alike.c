/* Prints the same text with and without UNICODE. */
#include <limits.h>
#include <stdio.h>
#include <windows.h>
#include <tchar.h>

static int format(TCHAR *to, size_t size, const TCHAR *format, ...)
{
    int length;
    va_list args;
    va_start(args, format);
    length = _vsntprintf(to, size, format, args);
    va_end(args);
    return length;
}

static void numbers(void)
{
    TCHAR *end;

    _tprintf(TEXT("[%d] [%5d] [%-5d] [%05d] [%+d] [% d] [%.3d] [%i]\n"), 42, 42, 42, 42, 42, 42,
             42, -42);
    _tprintf(TEXT("[%u] [%x] [%X] [%#x] [%08X] [%o] [%hu] [%hhx]\n"), 4000000000u, 255u, 255u,
             255u, 255u, 8u, (unsigned short)65535, (unsigned char)255);
    _tprintf(TEXT("[%llu] [%lld] [%zu] [%*d] [%-*d] [%*d] [%.*d]\n"), 1ULL << 40, -(1LL << 40),
             sizeof(DWORD), 6, 1, 6, 2, -6, 3, 3, 4);
    _tprintf(TEXT("[%f] [%.2f] [%8.3f] [%g] [%e] [%Lf] [%g]\n"), 1.5, 2.345, -3.5, 1e100, 12345.678,
             (long double)0.25, 0.0);
    _tprintf(TEXT("[%0200d] [%.150f] [%%]\n"), 7, 0.5);

    _tprintf(TEXT("%d %d %d %d\n"), _ttoi(TEXT("12")), _ttoi(TEXT(" -7x")), _ttoi(TEXT("")),
             _tstoi(TEXT("+3")));
    _tprintf(TEXT("%d"), (int)_tcstol(TEXT("\t-0x1fg"), &end, 0));
    _tprintf(TEXT("%s"), end);
    _tprintf(TEXT(" %d"), (int)_tcstol(TEXT("0778"), &end, 0));
    _tprintf(TEXT("%s"), end);
    _tprintf(TEXT(" %u"), (DWORD)_tcstoul(TEXT("zz!"), &end, 36));
    _tprintf(TEXT("%s"), end);
    _tprintf(TEXT(" %d"), (int)_tcstol(TEXT(" none"), &end, 10));
    _tprintf(TEXT("%s"), end);
    _tprintf(TEXT(" %d"), (int)_tcstol(TEXT("0xg"), &end, 16));
    _tprintf(TEXT("%s\n"), end);
    errno = 0;
    _tprintf(TEXT("%d"), _tcstoll(TEXT("9223372036854775808"), NULL, 10) == LLONG_MAX);
    _tprintf(TEXT(" %d"), errno == ERANGE);
    errno = 0;
    _tprintf(TEXT(" %d"), _tcstoll(TEXT("-9223372036854775808"), NULL, 10) == LLONG_MIN);
    _tprintf(TEXT(" %d"), errno == 0);
    _tprintf(TEXT(" %d"), _tcstoull(TEXT("-1"), NULL, 10) == ULLONG_MAX);
    _tprintf(TEXT(" %d"), errno == 0);
    _tprintf(TEXT(" %d"), _tcstoull(TEXT("99999999999999999999"), NULL, 10) == ULLONG_MAX);
    _tprintf(TEXT(" %d"), errno == ERANGE);
    _tprintf(TEXT(" %d\n"), _ttol(TEXT("-2147483648")) == -2147483647L - 1);
}

static void text(void)
{
    TCHAR buffer[16] = TEXT("<unknown>");
    LPTSTR copy;

    _tprintf(TEXT("[%s] [%12s] [%-12s] [%.3s] [%c] [%3c] [%-3c]\n"), buffer, buffer, buffer, buffer,
             TEXT('c'), TEXT('c'), TEXT('c'));
    _tprintf(TEXT("[%.*s] [%.0s] [%s]\n"), 2, buffer, buffer, TEXT("\u00e4 \u20ac"));
    _putts(TEXT("a line"));
    _fputts(TEXT("no line "), stdout);
    _ftprintf(stdout, TEXT("to a file\n"));
    _ftprintf(stderr, TEXT("to stderr\n"));

    _tprintf(TEXT("%d "), (int)_tcslen(_tcscpy(buffer, TEXT("abc"))));
    _tprintf(TEXT("%s "), _tcscat(buffer, TEXT("def")));
    _tprintf(TEXT("%s "), _tcsncat(buffer, TEXT("ghijkl"), 2));
    _tcsncpy(buffer, TEXT("XY"), 4);
    _tprintf(TEXT("%s %s\n"), buffer, buffer + 4);
    _tprintf(TEXT("%d%d%d "), _tcscmp(TEXT("a"), TEXT("a")) == 0, _tcscmp(TEXT("a"), TEXT("b")) < 0,
             _tcscmp(TEXT("ab"), TEXT("a")) > 0);
    _tprintf(TEXT("%d%d "), _tcsncmp(TEXT("abc"), TEXT("abd"), 2) == 0,
             _tcsncmp(TEXT("abc"), TEXT("abd"), 3) < 0);
    _tprintf(TEXT("%d%d "), _tcsicmp(TEXT("LibC.so"), TEXT("libc.SO")) == 0,
             _tcsicmp(TEXT("a"), TEXT("B")) < 0);
    _tprintf(TEXT("%d\n"), _tcsnicmp(TEXT("ABx"), TEXT("aby"), 2) == 0);
    _tprintf(TEXT("%s %s %s "), _tcschr(TEXT("/a/b"), TEXT('/')), _tcsrchr(TEXT("/a/b"), TEXT('/')),
             _tcsstr(TEXT("libc.so.6"), TEXT(".so")));
    _tprintf(TEXT("%d%d%d%d\n"), _tcschr(TEXT("a"), TEXT('b')) == NULL,
             _tcsrchr(TEXT("a"), TEXT('b')) == NULL, _tcsstr(TEXT("aab"), TEXT("abb")) == NULL,
             *_tcschr(TEXT("a"), 0) == 0);
    _tprintf(TEXT("%d%d%d%c%c\n"), _istdigit(TEXT('7')) != 0, _istspace(TEXT(' ')) != 0,
             _istalpha(TEXT('7')) == 0, _totupper(TEXT('a')), _totlower(TEXT('A')));

    copy = _tcsdup(TEXT("copy"));
    _tprintf(TEXT("%s\n"), copy);
    free(copy);
}

/* Functions whose output is limited by the size of the buffer. */
static void limited(void)
{
    TCHAR buffer[8];

    _tprintf(TEXT("%d "), _stprintf(buffer, TEXT("%d"), 1234567));
    _tprintf(TEXT("%s\n"), buffer);
    _tprintf(TEXT("%d "), _sntprintf(buffer, 8, TEXT("%s"), TEXT("1234567")));
    _tprintf(TEXT("%s\n"), buffer);
    _tprintf(TEXT("%d "), _sntprintf(buffer, 8, TEXT("%s"), TEXT("12345678")));
    _tprintf(TEXT("%s\n"), buffer);
    _tprintf(TEXT("%d "), format(buffer, 4, TEXT("%s"), TEXT("1234")));
    _tprintf(TEXT("%s\n"), buffer);
    _tprintf(TEXT("%d "), _stprintf_s(buffer, ARRAYSIZE(buffer), TEXT("%d"), 1234567));
    _tprintf(TEXT("%s\n"), buffer);
    _tprintf(TEXT("%d "), _stprintf_s(buffer, ARRAYSIZE(buffer), TEXT("%d"), 12345678));
    _tprintf(TEXT("[%s]\n"), buffer);
    _tprintf(TEXT("%d "), _tcscpy_s(buffer, 8, TEXT("1234567")));
    _tprintf(TEXT("%s "), buffer);
    _tprintf(TEXT("%d "), _tcscpy_s(buffer, 8, TEXT("12345678")) == ERANGE);
    _tprintf(TEXT("[%s]\n"), buffer);
    _tprintf(TEXT("%d "), _tcsncpy_s(buffer, 8, TEXT("12345678"), 5));
    _tprintf(TEXT("%s "), buffer);
    _tprintf(TEXT("%d "), _tcscat_s(buffer, 8, TEXT("67")));
    _tprintf(TEXT("%s "), buffer);
    _tprintf(TEXT("%d "), _tcscat_s(buffer, 8, TEXT("8")) == ERANGE);
    _tprintf(TEXT("[%s] %d\n"), buffer, _tcscpy_s(NULL, 8, TEXT("")) == EINVAL);
#ifdef __cplusplus
    _tcscpy_s(buffer, TEXT("C"));
    _tcscat_s(buffer, TEXT("++"));
    _stprintf_s(buffer, TEXT("%s"), _tcscmp(buffer, TEXT("C++")) == 0 ? TEXT("end") : buffer);
    _tprintf(TEXT("%s\n"), buffer);
#else
    _tprintf(TEXT("end\n"));
#endif
}

int _tmain(int argc, TCHAR *argv[])
{
    int i;

    for (i = 1; i < argc; i++)
        _tprintf(TEXT("%d: %s\n"), i, argv[i]);
    numbers();
    text();
    limited();
    return 0;
}
