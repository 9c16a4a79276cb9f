/*
 * psapi_narrow.h: the functions that tchar.h uses without UNICODE to print text. They are those of
 * the C library, but also accept the size prefixes of Windows:
 *   I64  64 bits
 *   I32  32 bits
 *   I    the size of a pointer
 * All of them are inline; no library is needed. The keyword is __inline__, because clang warns of
 * inline in C89.
 */
#ifndef PSAPI_NARROW_H
#define PSAPI_NARROW_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PSAPI_PRINTS_(format, first) __attribute__((__format__(__printf__, format, first)))

/* A format for the C library. */
struct psapi_narrow_format_ {
    const char *text; /* NULL if there is not enough memory */
    char *allocated;
    char local[256];
};

/* Returns the end of the part of a conversion specification that precedes the size prefix: flags,
   width and precision. */
static __inline__ const char *psapi_narrow_prefix_(const char *at)
{
    return at + strspn(at, "-+ #0'*.123456789");
}

/* Copies a format and replaces the size prefixes of Windows. The result is not longer. */
static __inline__ void psapi_narrow_translate_(char *to, const char *from)
{
    while (*from != 0) {
        const char *start = from;
        from = *from == '%' ? psapi_narrow_prefix_(from + 1) : from + 1;
        memcpy(to, start, (size_t)(from - start));
        to += from - start;
        if (*start != '%')
            continue;
        if (strncmp(from, "I64", 3) == 0) {
            *to++ = 'l';
            *to++ = 'l';
            from += 3;
        } else if (strncmp(from, "I32", 3) == 0) {
            from += 3;
        } else if (*from == 'I') {
            *to++ = 'z';
            from++;
        } else if (*from == '%') {
            *to++ = *from++;
        }
    }
    *to = 0;
}

static __inline__ void psapi_narrow_open_(struct psapi_narrow_format_ *format, const char *text)
{
    size_t size;
    format->allocated = NULL;
    format->text = text;
    if (strchr(text, 'I') == NULL)
        return;
    size = strlen(text) + 1;
    if (size <= sizeof(format->local)) {
        psapi_narrow_translate_(format->local, text);
        format->text = format->local;
        return;
    }
    format->allocated = (char *)malloc(size);
    if (format->allocated != NULL)
        psapi_narrow_translate_(format->allocated, text);
    format->text = format->allocated;
}

/* Frees the format. Returns the result of printing, and keeps errno. */
static __inline__ int psapi_narrow_close_(struct psapi_narrow_format_ *format, int result)
{
    int error = errno;
    free(format->allocated);
    errno = error;
    return result;
}

/* The translated format is not a literal, but the caller's format is checked. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static __inline__ int psapi_narrow_vfprintf(FILE *file, const char *format, va_list args)
    PSAPI_PRINTS_(2, 0);
static __inline__ int psapi_narrow_vfprintf(FILE *file, const char *format, va_list args)
{
    struct psapi_narrow_format_ translated;
    psapi_narrow_open_(&translated, format);
    return psapi_narrow_close_(
        &translated, translated.text == NULL ? -1 : vfprintf(file, translated.text, args));
}

static __inline__ int psapi_narrow_vsnprintf(char *to, size_t room, const char *format,
                                             va_list args)
    PSAPI_PRINTS_(3, 0);
static __inline__ int psapi_narrow_vsnprintf(char *to, size_t room, const char *format,
                                             va_list args)
{
    struct psapi_narrow_format_ translated;
    psapi_narrow_open_(&translated, format);
    return psapi_narrow_close_(
        &translated, translated.text == NULL ? -1 : vsnprintf(to, room, translated.text, args));
}

static __inline__ int psapi_narrow_vsprintf(char *to, const char *format, va_list args)
    PSAPI_PRINTS_(2, 0);
static __inline__ int psapi_narrow_vsprintf(char *to, const char *format, va_list args)
{
    struct psapi_narrow_format_ translated;
    psapi_narrow_open_(&translated, format);
    return psapi_narrow_close_(
        &translated, translated.text == NULL ? -1 : vsprintf(to, translated.text, args));
}

#pragma GCC diagnostic pop

static __inline__ int psapi_narrow_vprintf(const char *format, va_list args) PSAPI_PRINTS_(1, 0);
static __inline__ int psapi_narrow_vprintf(const char *format, va_list args)
{
    return psapi_narrow_vfprintf(stdout, format, args);
}

static __inline__ int psapi_narrow_fprintf(FILE *file, const char *format, ...) PSAPI_PRINTS_(2, 3);
static __inline__ int psapi_narrow_fprintf(FILE *file, const char *format, ...)
{
    int count;
    va_list args;
    va_start(args, format);
    count = psapi_narrow_vfprintf(file, format, args);
    va_end(args);
    return count;
}

static __inline__ int psapi_narrow_printf(const char *format, ...) PSAPI_PRINTS_(1, 2);
static __inline__ int psapi_narrow_printf(const char *format, ...)
{
    int count;
    va_list args;
    va_start(args, format);
    count = psapi_narrow_vprintf(format, args);
    va_end(args);
    return count;
}

static __inline__ int psapi_narrow_sprintf(char *to, const char *format, ...) PSAPI_PRINTS_(2, 3);
static __inline__ int psapi_narrow_sprintf(char *to, const char *format, ...)
{
    int count;
    va_list args;
    va_start(args, format);
    count = psapi_narrow_vsprintf(to, format, args);
    va_end(args);
    return count;
}

#endif
