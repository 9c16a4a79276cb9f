/*
 * tchar.h: names for functions on CHAR text or, with UNICODE, on WCHAR text. The CHAR functions are
 * the C library's, where long can have 64 bits; psapi_narrow.h adds %I64u, %I32u and %Iu. The WCHAR
 * functions are in psapi_wide.h.
 */
#ifndef PSAPI_TCHAR_H
#define PSAPI_TCHAR_H

#if !defined(__cplusplus) && defined(__STRICT_ANSI__) &&                                           \
    (!defined(__STDC_VERSION__) || __STDC_VERSION__ < 199901L)
#error "tchar.h needs functions that C89 lacks: compile with -std=c99 or later, or with -std=gnu89"
#endif

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "windows.h"

#define _T(quote) TEXT(quote)
#define _TEXT(quote) TEXT(quote)

#ifdef UNICODE

/* Also defines _tmain. */
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
#define _tcstoi64 psapi_wide_to_llong
#define _tcstoui64 psapi_wide_to_ullong

#define _istalpha psapi_wide_is_alpha
#define _istdigit psapi_wide_is_digit
#define _istspace psapi_wide_is_space
#define _totlower psapi_wide_lower
#define _totupper psapi_wide_upper

#define PSAPI_VSNPRINTF_ psapi_wide_vsnprintf
#define PSAPI_PRINTS_(format, first)

#else

#include "psapi_narrow.h"

#define _tmain main

#define _tprintf psapi_narrow_printf
#define _ftprintf psapi_narrow_fprintf
#define _stprintf psapi_narrow_sprintf
#define _vtprintf psapi_narrow_vprintf
#define _vftprintf psapi_narrow_vfprintf
#define _vstprintf psapi_narrow_vsprintf
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
#define _tcstoi64 strtoll
#define _tcstoui64 strtoull

#define _istalpha isalpha
#define _istdigit isdigit
#define _istspace isspace
#define _totlower tolower
#define _totupper toupper

#define PSAPI_VSNPRINTF_ psapi_narrow_vsnprintf

#endif

/* -------- functions that the C library lacks -------- */

typedef int errno_t;

/* Writes the text, truncated if necessary and always with a NUL. Returns -1 if it was truncated. */
static __inline__ int psapi_vsntprintf(TCHAR *to, size_t count, const TCHAR *format, va_list args)
    PSAPI_PRINTS_(3, 0);
static __inline__ int psapi_vsntprintf(TCHAR *to, size_t count, const TCHAR *format, va_list args)
{
    int length = PSAPI_VSNPRINTF_(to, count, format, args);
    return length < 0 || (size_t)length >= count ? -1 : length;
}

static __inline__ int psapi_sntprintf(TCHAR *to, size_t count, const TCHAR *format, ...)
    PSAPI_PRINTS_(3, 4);
static __inline__ int psapi_sntprintf(TCHAR *to, size_t count, const TCHAR *format, ...)
{
    int length;
    va_list args;
    va_start(args, format);
    length = psapi_vsntprintf(to, count, format, args);
    va_end(args);
    return length;
}

/* Writes the text. If it does not fit, writes an empty text and returns -1; on Windows, the default
   is to terminate the program. */
static __inline__ int psapi_vstprintf_s(TCHAR *to, size_t size, const TCHAR *format, va_list args)
    PSAPI_PRINTS_(3, 0);
static __inline__ int psapi_vstprintf_s(TCHAR *to, size_t size, const TCHAR *format, va_list args)
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

static __inline__ int psapi_stprintf_s(TCHAR *to, size_t size, const TCHAR *format, ...)
    PSAPI_PRINTS_(3, 4);
static __inline__ int psapi_stprintf_s(TCHAR *to, size_t size, const TCHAR *format, ...)
{
    int length;
    va_list args;
    va_start(args, format);
    length = psapi_vstprintf_s(to, size, format, args);
    va_end(args);
    return length;
}

/* Appends at most count characters. If they do not fit, makes the text empty and returns ERANGE. */
static __inline__ errno_t psapi_tcsncat_s(TCHAR *to, size_t size, const TCHAR *from, size_t count)
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

static __inline__ errno_t psapi_tcscat_s(TCHAR *to, size_t size, const TCHAR *from)
{
    return psapi_tcsncat_s(to, size, from, (size_t)-1);
}

static __inline__ errno_t psapi_tcsncpy_s(TCHAR *to, size_t size, const TCHAR *from, size_t count)
{
    if (to != NULL && size > 0)
        to[0] = 0;
    return psapi_tcsncat_s(to, size, from, count);
}

static __inline__ errno_t psapi_tcscpy_s(TCHAR *to, size_t size, const TCHAR *from)
{
    return psapi_tcsncpy_s(to, size, from, (size_t)-1);
}

static __inline__ TCHAR *psapi_tcsdup(const TCHAR *text)
{
    size_t size = (_tcslen(text) + 1) * sizeof(TCHAR);
    TCHAR *copy = (TCHAR *)malloc(size);
    return copy == NULL ? NULL : (TCHAR *)memcpy(copy, text, size);
}

#ifdef __cplusplus
/* C++ deduces the size of an array. */
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
