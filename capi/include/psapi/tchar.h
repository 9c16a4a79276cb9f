/*
 * tchar.h: names that stand for CHAR functions, or for WCHAR functions with UNICODE. Those for CHAR are
 * the C library's, which has a long of 64 bits and no %I64u; those for WCHAR are in psapi_wide.h.
 */
#ifndef PSAPI_TCHAR_H
#define PSAPI_TCHAR_H

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "windows.h"

#ifdef TEXT
#define _T(quote) TEXT(quote)
#define _TEXT(quote) TEXT(quote)
#endif

#ifdef UNICODE

/* _tmain is there, too. */
#include "psapi_wide.h"

#define _tprintf psapi_wide_printf
#define _ftprintf psapi_wide_fprintf
#define _stprintf psapi_wide_sprintf
#define _vtprintf psapi_wide_vprintf
#define _vftprintf psapi_wide_vfprintf
#define _vstprintf psapi_wide_vsprintf
#define _putts psapi_wide_puts
#define _fputts psapi_wide_fputs

#define _tcslen psapi_wide_length
#define _tcscpy psapi_wide_copy
#define _tcsncpy psapi_wide_copy_some
#define _tcscat psapi_wide_append
#define _tcsncat psapi_wide_append_some
#define _tcscmp psapi_wide_compare
#define _tcsncmp psapi_wide_compare_some
#define _tcsicmp psapi_wide_compare_any_case
#define _tcsnicmp psapi_wide_compare_some_any_case
#define _tcschr psapi_wide_find
#define _tcsrchr psapi_wide_find_last
#define _tcsstr psapi_wide_find_text

#define _ttoi psapi_wide_as_int
#define _tstoi psapi_wide_as_int
#define _ttol psapi_wide_as_long
#define _tstol psapi_wide_as_long
#define _tcstol psapi_wide_to_long
#define _tcstoul psapi_wide_to_ulong
#define _tcstoll psapi_wide_to_llong
#define _tcstoull psapi_wide_to_ullong

#define _istalpha psapi_wide_is_alpha
#define _istdigit psapi_wide_is_digit
#define _istspace psapi_wide_is_space
#define _totlower psapi_wide_lower
#define _totupper psapi_wide_upper

#define PSAPI_VSNPRINTF_ psapi_wide_vsnprintf
#define PSAPI_PRINTS_(format, first)

#else

#define _tmain main

#define _tprintf printf
#define _ftprintf fprintf
#define _stprintf sprintf
#define _vtprintf vprintf
#define _vftprintf vfprintf
#define _vstprintf vsprintf
#define _putts puts
#define _fputts fputs

#define _tcslen strlen
#define _tcscpy strcpy
#define _tcsncpy strncpy
#define _tcscat strcat
#define _tcsncat strncat
#define _tcscmp strcmp
#define _tcsncmp strncmp
#define _tcsicmp strcasecmp
#define _tcsnicmp strncasecmp
#define _tcschr strchr
#define _tcsrchr strrchr
#define _tcsstr strstr

#define _ttoi atoi
#define _tstoi atoi
#define _ttol atol
#define _tstol atol
#define _tcstol strtol
#define _tcstoul strtoul
#define _tcstoll strtoll
#define _tcstoull strtoull

#define _istalpha isalpha
#define _istdigit isdigit
#define _istspace isspace
#define _totlower tolower
#define _totupper toupper

#define PSAPI_VSNPRINTF_ vsnprintf
#define PSAPI_PRINTS_(format, first) __attribute__((__format__(__printf__, format, first)))

#endif

/* -------- what the C library has under no name -------- */

typedef int errno_t;

/* What fits, always with a NUL; -1 if that is not all. */
static inline int psapi_vsntprintf(TCHAR *to, size_t count, const TCHAR *format, va_list args)
    PSAPI_PRINTS_(3, 0);
static inline int psapi_vsntprintf(TCHAR *to, size_t count, const TCHAR *format, va_list args)
{
    int length = PSAPI_VSNPRINTF_(to, count, format, args);
    return length < 0 || (size_t)length >= count ? -1 : length;
}

static inline int psapi_sntprintf(TCHAR *to, size_t count, const TCHAR *format, ...)
    PSAPI_PRINTS_(3, 4);
static inline int psapi_sntprintf(TCHAR *to, size_t count, const TCHAR *format, ...)
{
    int length;
    va_list args;
    va_start(args, format);
    length = psapi_vsntprintf(to, count, format, args);
    va_end(args);
    return length;
}

/* The text, or an empty one and -1 if it does not fit. The original ends the program then, by default. */
static inline int psapi_vstprintf_s(TCHAR *to, size_t size, const TCHAR *format, va_list args)
    PSAPI_PRINTS_(3, 0);
static inline int psapi_vstprintf_s(TCHAR *to, size_t size, const TCHAR *format, va_list args)
{
    int length;
    if (to == NULL || size == 0 || format == NULL) {
        errno = EINVAL;
        return -1;
    }
    length = psapi_vsntprintf(to, size, format, args);
    if (length < 0) {
        to[0] = 0;
        errno = ERANGE;
    }
    return length;
}

static inline int psapi_stprintf_s(TCHAR *to, size_t size, const TCHAR *format, ...)
    PSAPI_PRINTS_(3, 4);
static inline int psapi_stprintf_s(TCHAR *to, size_t size, const TCHAR *format, ...)
{
    int length;
    va_list args;
    va_start(args, format);
    length = psapi_vstprintf_s(to, size, format, args);
    va_end(args);
    return length;
}

/* Adds at most so much of a text, or makes it an empty one and returns ERANGE if it does not fit. */
static inline errno_t psapi_tcsncat_s(TCHAR *to, size_t size, const TCHAR *from, size_t count)
{
    size_t length = 0, more = 0;
    if (to == NULL || size == 0)
        return EINVAL;
    while (length < size && to[length] != 0)
        length++;
    if (from == NULL || length == size) {
        to[0] = 0;
        return EINVAL;
    }
    while (more < count && from[more] != 0)
        more++;
    if (more >= size - length) {
        to[0] = 0;
        return ERANGE;
    }
    memmove(to + length, from, more * sizeof(TCHAR));
    to[length + more] = 0;
    return 0;
}

static inline errno_t psapi_tcscat_s(TCHAR *to, size_t size, const TCHAR *from)
{
    return psapi_tcsncat_s(to, size, from, (size_t)-1);
}

static inline errno_t psapi_tcsncpy_s(TCHAR *to, size_t size, const TCHAR *from, size_t count)
{
    if (to != NULL && size > 0)
        to[0] = 0;
    return psapi_tcsncat_s(to, size, from, count);
}

static inline errno_t psapi_tcscpy_s(TCHAR *to, size_t size, const TCHAR *from)
{
    return psapi_tcsncpy_s(to, size, from, (size_t)-1);
}

static inline TCHAR *psapi_tcsdup(const TCHAR *text)
{
    size_t size = (_tcslen(text) + 1) * sizeof(TCHAR);
    TCHAR *copy = (TCHAR *)malloc(size);
    return copy == NULL ? NULL : (TCHAR *)memcpy(copy, text, size);
}

#ifdef __cplusplus
/* C++ knows how long an array is. */
template <size_t size>
PSAPI_PRINTS_(2, 3)
inline int psapi_stprintf_s(TCHAR (&to)[size], const TCHAR *format, ...)
{
    va_list args;
    va_start(args, format);
    int length = psapi_vstprintf_s(to, size, format, args);
    va_end(args);
    return length;
}
template <size_t size>
inline errno_t psapi_tcscpy_s(TCHAR (&to)[size], const TCHAR *from)
{
    return psapi_tcscpy_s(to, size, from);
}
template <size_t size>
inline errno_t psapi_tcscat_s(TCHAR (&to)[size], const TCHAR *from)
{
    return psapi_tcscat_s(to, size, from);
}
#endif

#define _sntprintf psapi_sntprintf
#define _vsntprintf psapi_vsntprintf
#define _stprintf_s psapi_stprintf_s
#define _vstprintf_s psapi_vstprintf_s
#define _tcscpy_s psapi_tcscpy_s
#define _tcsncpy_s psapi_tcsncpy_s
#define _tcscat_s psapi_tcscat_s
#define _tcsncat_s psapi_tcsncat_s
#define _tcsdup psapi_tcsdup

#endif
