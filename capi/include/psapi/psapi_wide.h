/*
 * psapi_wide.h: the functions that tchar.h uses with UNICODE. They work on 16-bit text, for which
 * the C library has no functions. All of them are inline; no library is needed.
 *
 * Output to files is UTF-8. Formats are those of the WCHAR functions on Windows:
 *   %s, %c             WCHAR text
 *   %S, %C, %hs, %hc   CHAR text (UTF-8)
 *   l                  32 bits, so that %lu prints a DWORD
 *   I64, ll, j         64 bits
 *   I, z, t            the size of a pointer
 *   %p                 all digits of a pointer, with leading zeros
 *   %n                 not supported
 */
#ifndef PSAPI_WIDE_H
#define PSAPI_WIDE_H

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

#include "windows.h"

#define PSAPI_REPLACEMENT_ 0xFFFDu

/* -------- strings -------- */

static inline size_t psapi_wide_length(const WCHAR *text)
{
    size_t length = 0;
    while (text[length] != 0)
        length++;
    return length;
}

static inline WCHAR *psapi_wide_copy(WCHAR *to, const WCHAR *from)
{
    memcpy(to, from, (psapi_wide_length(from) + 1) * sizeof(WCHAR));
    return to;
}

static inline WCHAR *psapi_wide_copy_some(WCHAR *to, const WCHAR *from, size_t count)
{
    size_t i = 0;
    for (; i < count && from[i] != 0; i++)
        to[i] = from[i];
    for (; i < count; i++)
        to[i] = 0;
    return to;
}

static inline WCHAR *psapi_wide_append(WCHAR *to, const WCHAR *from)
{
    psapi_wide_copy(to + psapi_wide_length(to), from);
    return to;
}

static inline WCHAR *psapi_wide_append_some(WCHAR *to, const WCHAR *from, size_t count)
{
    WCHAR *end = to + psapi_wide_length(to);
    while (count-- > 0 && *from != 0)
        *end++ = *from++;
    *end = 0;
    return to;
}

static inline int psapi_wide_compare_some(const WCHAR *a, const WCHAR *b, size_t count)
{
    for (; count > 0; count--, a++, b++) {
        if (*a != *b)
            return *a < *b ? -1 : 1;
        if (*a == 0)
            break;
    }
    return 0;
}

static inline int psapi_wide_compare(const WCHAR *a, const WCHAR *b)
{
    return psapi_wide_compare_some(a, b, (size_t)-1);
}

/* Converts to lower case as the locale defines. Surrogates have no case. */
static inline int psapi_wide_lower(int unit)
{
    return (int)towlower((wint_t)unit);
}

static inline int psapi_wide_upper(int unit)
{
    return (int)towupper((wint_t)unit);
}

static inline int psapi_wide_compare_some_any_case(const WCHAR *a, const WCHAR *b, size_t count)
{
    for (; count > 0; count--, a++, b++) {
        int difference = psapi_wide_lower(*a) - psapi_wide_lower(*b);
        if (difference != 0)
            return difference;
        if (*a == 0)
            break;
    }
    return 0;
}

static inline int psapi_wide_compare_any_case(const WCHAR *a, const WCHAR *b)
{
    return psapi_wide_compare_some_any_case(a, b, (size_t)-1);
}

static inline WCHAR *psapi_wide_find(const WCHAR *text, int unit)
{
    for (; *text != (WCHAR)unit; text++) {
        if (*text == 0)
            return NULL;
    }
    return (WCHAR *)text;
}

static inline WCHAR *psapi_wide_find_last(const WCHAR *text, int unit)
{
    const WCHAR *at = text + psapi_wide_length(text);
    for (; *at != (WCHAR)unit; at--) {
        if (at == text)
            return NULL;
    }
    return (WCHAR *)at;
}

static inline WCHAR *psapi_wide_find_text(const WCHAR *text, const WCHAR *part)
{
    size_t length = psapi_wide_length(part);
    for (;; text++) {
        if (psapi_wide_compare_some(text, part, length) == 0)
            return (WCHAR *)text;
        if (*text == 0)
            return NULL;
    }
}

/* -------- numbers -------- */

static inline int psapi_wide_is_space(int unit)
{
    return iswspace((wint_t)unit) != 0;
}

static inline int psapi_wide_is_digit(int unit)
{
    return unit >= '0' && unit <= '9';
}

static inline int psapi_wide_is_alpha(int unit)
{
    return iswalpha((wint_t)unit) != 0;
}

static inline unsigned psapi_wide_digit_(WCHAR unit)
{
    if (unit >= '0' && unit <= '9')
        return (unsigned)unit - '0';
    if (unit >= 'a' && unit <= 'z')
        return (unsigned)unit - 'a' + 10;
    if (unit >= 'A' && unit <= 'Z')
        return (unsigned)unit - 'A' + 10;
    return UINT_MAX;
}

/* Parses a number. Returns its absolute value. If it is too large, returns the maximum and sets
   *overflow. */
static inline unsigned long long psapi_wide_number_(const WCHAR *text, WCHAR **end, unsigned base,
                                                    int *minus, int *overflow)
{
    const WCHAR *at = text, *last = text;
    unsigned long long number = 0;
    *overflow = 0;
    while (psapi_wide_is_space(*at))
        at++;
    *minus = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    if ((base == 0 || base == 16) && at[0] == '0' && (at[1] == 'x' || at[1] == 'X') &&
        psapi_wide_digit_(at[2]) < 16) {
        at += 2;
        base = 16;
    } else if (base == 0) {
        base = at[0] == '0' ? 8 : 10;
    }
    for (; psapi_wide_digit_(*at) < base; last = ++at) {
        unsigned digit = psapi_wide_digit_(*at);
        if (number > (ULLONG_MAX - digit) / base)
            *overflow = 1;
        number = number * base + digit;
    }
    if (end != NULL)
        *end = (WCHAR *)last;
    return *overflow ? ULLONG_MAX : number;
}

static inline long long psapi_wide_signed_(const WCHAR *text, WCHAR **end, int base, long long least,
                                           long long most)
{
    int minus, overflow;
    unsigned long long number = psapi_wide_number_(text, end, (unsigned)base, &minus, &overflow);
    unsigned long long limit = (unsigned long long)most + (minus ? 1 : 0);
    if (number > limit) {
        errno = ERANGE;
        return minus ? least : most;
    }
    if (!minus)
        return (long long)number;
    return number == limit ? least : -(long long)number;
}

static inline unsigned long long psapi_wide_unsigned_(const WCHAR *text, WCHAR **end, int base,
                                                      unsigned long long most)
{
    int minus, overflow;
    unsigned long long number = psapi_wide_number_(text, end, (unsigned)base, &minus, &overflow);
    if (overflow || number > most) {
        errno = ERANGE;
        return most;
    }
    return minus ? (0 - number) & most : number;
}

static inline long psapi_wide_to_long(const WCHAR *text, WCHAR **end, int base)
{
    return (long)psapi_wide_signed_(text, end, base, LONG_MIN, LONG_MAX);
}

static inline unsigned long psapi_wide_to_ulong(const WCHAR *text, WCHAR **end, int base)
{
    return (unsigned long)psapi_wide_unsigned_(text, end, base, ULONG_MAX);
}

static inline long long psapi_wide_to_llong(const WCHAR *text, WCHAR **end, int base)
{
    return psapi_wide_signed_(text, end, base, LLONG_MIN, LLONG_MAX);
}

static inline unsigned long long psapi_wide_to_ullong(const WCHAR *text, WCHAR **end, int base)
{
    return psapi_wide_unsigned_(text, end, base, ULLONG_MAX);
}

static inline int psapi_wide_as_int(const WCHAR *text)
{
    return (int)psapi_wide_signed_(text, NULL, 10, INT_MIN, INT_MAX);
}

static inline long psapi_wide_as_long(const WCHAR *text)
{
    return psapi_wide_to_long(text, NULL, 10);
}

/* -------- UTF-8 -------- */

/* Decodes the next character; invalid UTF-8 becomes U+FFFD. *at must be before end. */
static inline unsigned psapi_wide_decode_(const char **at, const char *end)
{
    const unsigned char *bytes = (const unsigned char *)*at;
    unsigned first = *bytes, character, low = 0x80, high = 0xBF;
    int more;
    (*at)++;
    if (first < 0x80)
        return first;
    if (first >= 0xC2 && first <= 0xDF) {
        more = 1;
        character = first & 0x1F;
    } else if (first >= 0xE0 && first <= 0xEF) {
        more = 2;
        character = first & 0x0F;
        low = first == 0xE0 ? 0xA0 : low;
        high = first == 0xED ? 0x9F : high;
    } else if (first >= 0xF0 && first <= 0xF4) {
        more = 3;
        character = first & 0x07;
        low = first == 0xF0 ? 0x90 : low;
        high = first == 0xF4 ? 0x8F : high;
    } else {
        return PSAPI_REPLACEMENT_;
    }
    for (; more > 0; more--) {
        unsigned next = *at < end ? *(const unsigned char *)*at : 0;
        if (next < low || next > high)
            return PSAPI_REPLACEMENT_;
        (*at)++;
        character = character << 6 | (next & 0x3F);
        low = 0x80;
        high = 0xBF;
    }
    return character;
}

/* Encodes a character as one or two units and returns their number. */
static inline size_t psapi_wide_units_(unsigned character, WCHAR units[2])
{
    if (character < 0x10000) {
        units[0] = (WCHAR)character;
        return 1;
    }
    units[0] = (WCHAR)(0xD800 + ((character - 0x10000) >> 10));
    units[1] = (WCHAR)(0xDC00 + (character & 0x3FF));
    return 2;
}

/* Converts CHAR strings to a NULL-terminated array of WCHAR strings, in a single allocation. */
static inline WCHAR **psapi_wide_strings_(char **strings, size_t count)
{
    size_t i, bytes = 0;
    WCHAR **wide, *to;
    for (i = 0; i < count; i++)
        bytes += strlen(strings[i]) + 1;
    /* A character never has more UTF-16 units than UTF-8 bytes. */
    wide = (WCHAR **)malloc((count + 1) * sizeof(WCHAR *) + bytes * sizeof(WCHAR));
    if (wide == NULL)
        abort();
    to = (WCHAR *)(wide + count + 1);
    for (i = 0; i < count; i++) {
        const char *at = strings[i], *end = at + strlen(at);
        wide[i] = to;
        while (at < end)
            to += psapi_wide_units_(psapi_wide_decode_(&at, end), to);
        *to++ = 0;
    }
    wide[count] = NULL;
    return wide;
}

/* -------- output -------- */

/* The destination of output: a file, which gets UTF-8, or a buffer, which gets what fits. */
struct psapi_wide_sink_ {
    FILE *file;
    WCHAR *to;
    size_t room;
    size_t count;   /* number of units, including units that did not fit */
    unsigned high;  /* high surrogate that awaits its low surrogate, or 0 */
    size_t waiting; /* bytes that are not written to the file yet */
    int failed;
    char bytes[256];
};

static inline void psapi_wide_flush_(struct psapi_wide_sink_ *sink)
{
    if (sink->waiting > 0 && fwrite(sink->bytes, 1, sink->waiting, sink->file) < sink->waiting)
        sink->failed = 1;
    sink->waiting = 0;
}

static inline void psapi_wide_encode_(struct psapi_wide_sink_ *sink, unsigned character)
{
    char *to;
    if (sink->waiting + 4 > sizeof(sink->bytes))
        psapi_wide_flush_(sink);
    to = sink->bytes + sink->waiting;
    if (character < 0x80) {
        *to++ = (char)character;
    } else if (character < 0x800) {
        *to++ = (char)(0xC0 | character >> 6);
        *to++ = (char)(0x80 | (character & 0x3F));
    } else if (character < 0x10000) {
        *to++ = (char)(0xE0 | character >> 12);
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
        *to++ = (char)(0x80 | (character & 0x3F));
    } else {
        *to++ = (char)(0xF0 | character >> 18);
        *to++ = (char)(0x80 | (character >> 12 & 0x3F));
        *to++ = (char)(0x80 | (character >> 6 & 0x3F));
        *to++ = (char)(0x80 | (character & 0x3F));
    }
    sink->waiting = (size_t)(to - sink->bytes);
}

static inline void psapi_wide_put_(struct psapi_wide_sink_ *sink, WCHAR unit)
{
    unsigned high = sink->high;
    sink->count++;
    if (sink->file == NULL) {
        if (sink->count < sink->room)
            sink->to[sink->count - 1] = unit;
        return;
    }
    sink->high = 0;
    if (high != 0 && unit >= 0xDC00 && unit <= 0xDFFF) {
        psapi_wide_encode_(sink, 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00u));
        return;
    }
    if (high != 0)
        psapi_wide_encode_(sink, PSAPI_REPLACEMENT_);
    if (unit >= 0xD800 && unit <= 0xDBFF)
        sink->high = unit;
    else if (unit >= 0xDC00 && unit <= 0xDFFF)
        psapi_wide_encode_(sink, PSAPI_REPLACEMENT_);
    else
        psapi_wide_encode_(sink, unit);
}

/* Terminates the output. Returns the number of units, or -1 on failure. */
static inline int psapi_wide_finish_(struct psapi_wide_sink_ *sink)
{
    if (sink->file == NULL) {
        if (sink->room > 0)
            sink->to[sink->count < sink->room ? sink->count : sink->room - 1] = 0;
    } else {
        if (sink->high != 0)
            psapi_wide_encode_(sink, PSAPI_REPLACEMENT_);
        psapi_wide_flush_(sink);
    }
    return sink->failed || sink->count > INT_MAX ? -1 : (int)sink->count;
}

static inline void psapi_wide_fill_(struct psapi_wide_sink_ *sink, int width, size_t length)
{
    for (; width > 0 && (size_t)width > length; width--)
        psapi_wide_put_(sink, ' ');
}

/* A parsed conversion specification, such as %-8lu. */
struct psapi_wide_conversion_ {
    char flags[6]; /* without duplicates */
    int width;     /* 0 if there is none */
    int precision; /* negative if there is none */
    int left;      /* flag -: padding follows the text */
    size_t size;   /* size of an integer in bytes */
    int narrow;    /* h: CHAR text */
    int wide;      /* l or w: WCHAR text */
    int long_double;
    char kind; /* conversion letter; 0 if the format ends early */
};

static inline void psapi_wide_ascii_(struct psapi_wide_sink_ *sink, const char *text)
{
    for (; *text != 0; text++)
        psapi_wide_put_(sink, (WCHAR)(unsigned char)*text);
}

/* Prints a number with the C library: as long long if length is "ll", as long double if it is "L",
   and otherwise as double. */
static inline void psapi_wide_print_number_(struct psapi_wide_sink_ *sink,
                                            const struct psapi_wide_conversion_ *how,
                                            const char *length, unsigned long long integer,
                                            double real, long double long_real)
{
    char format[16], local[128], *text = local;
    size_t room = sizeof(local);
    int needed;
    snprintf(format, sizeof(format), "%%%s*.*%s%c", how->flags, length, how->kind);
    for (;;) {
        if (length[0] == 'l')
            needed = snprintf(text, room, format, how->width, how->precision, integer);
        else if (length[0] == 'L')
            needed = snprintf(text, room, format, how->width, how->precision, long_real);
        else
            needed = snprintf(text, room, format, how->width, how->precision, real);
        if (needed < 0 || (size_t)needed < room)
            break;
        room = (size_t)needed + 1;
        text = (char *)malloc(room);
        if (text == NULL)
            break;
    }
    if (needed < 0 || text == NULL)
        sink->failed = 1;
    else
        psapi_wide_ascii_(sink, text);
    if (text != local)
        free(text);
}

static inline void psapi_wide_print_wide_(struct psapi_wide_sink_ *sink,
                                          const struct psapi_wide_conversion_ *how,
                                          const WCHAR *text, size_t length)
{
    size_t i;
    if (!how->left)
        psapi_wide_fill_(sink, how->width, length);
    for (i = 0; i < length; i++)
        psapi_wide_put_(sink, text[i]);
    if (how->left)
        psapi_wide_fill_(sink, how->width, length);
}

static inline void psapi_wide_print_narrow_(struct psapi_wide_sink_ *sink,
                                            const struct psapi_wide_conversion_ *how,
                                            const char *text, size_t bytes)
{
    const char *at, *end = text + bytes;
    size_t length = 0;
    WCHAR units[2];
    for (at = text; at < end;)
        length += psapi_wide_units_(psapi_wide_decode_(&at, end), units);
    if (!how->left)
        psapi_wide_fill_(sink, how->width, length);
    for (at = text; at < end;) {
        size_t i, count = psapi_wide_units_(psapi_wide_decode_(&at, end), units);
        for (i = 0; i < count; i++)
            psapi_wide_put_(sink, units[i]);
    }
    if (how->left)
        psapi_wide_fill_(sink, how->width, length);
}

/* Returns the length of a text that ends with a NUL or at the precision. */
static inline size_t psapi_wide_text_length_(const WCHAR *text, int precision)
{
    size_t length = 0;
    while ((precision < 0 || length < (size_t)precision) && text[length] != 0)
        length++;
    return length;
}

static inline size_t psapi_wide_narrow_length_(const char *text, int precision)
{
    size_t length = 0;
    while ((precision < 0 || length < (size_t)precision) && text[length] != 0)
        length++;
    return length;
}

/* Parses digits. Numbers that do not fit into an int become INT_MAX. */
static inline int psapi_wide_digits_(const WCHAR **at)
{
    int number = 0;
    for (; psapi_wide_is_digit(**at); (*at)++) {
        int digit = (int)psapi_wide_digit_(**at);
        number = number > (INT_MAX - digit) / 10 ? INT_MAX : number * 10 + digit;
    }
    return number;
}

/* Parses the size prefix of a conversion, such as ll or I64. */
static inline const WCHAR *psapi_wide_size_(const WCHAR *at, struct psapi_wide_conversion_ *how)
{
    how->size = 4;
    switch (*at) {
    case 'h':
        how->narrow = 1;
        how->size = at[1] == 'h' ? 1 : 2;
        return at + (at[1] == 'h' ? 2 : 1);
    case 'l':
        how->wide = 1;
        how->size = at[1] == 'l' ? 8 : 4;
        return at + (at[1] == 'l' ? 2 : 1);
    case 'w':
        how->wide = 1;
        return at + 1;
    case 'L':
        how->long_double = 1;
        how->size = 8;
        return at + 1;
    case 'j':
        how->size = 8;
        return at + 1;
    case 'z':
    case 't':
        how->size = sizeof(size_t);
        return at + 1;
    case 'I':
        if (at[1] == '6' && at[2] == '4') {
            how->size = 8;
            return at + 3;
        }
        if (at[1] == '3' && at[2] == '2')
            return at + 3;
        how->size = sizeof(size_t);
        return at + 1;
    default:
        return at;
    }
}

static inline void psapi_wide_format_(struct psapi_wide_sink_ *sink, const WCHAR *at, va_list args)
{
    for (; *at != 0; at++) {
        struct psapi_wide_conversion_ how;
        size_t flags = 0;
        if (*at != '%') {
            psapi_wide_put_(sink, *at);
            continue;
        }
        at++;
        memset(&how, 0, sizeof(how));
        how.precision = -1;
        for (; *at == '-' || *at == '+' || *at == ' ' || *at == '#' || *at == '0'; at++) {
            if (strchr(how.flags, (char)*at) == NULL)
                how.flags[flags++] = (char)*at;
        }
        if (*at == '*') {
            how.width = va_arg(args, int);
            at++;
            /* A negative width means its absolute value, and the flag -. */
            if (how.width < 0) {
                how.width = how.width < -INT_MAX ? INT_MAX : -how.width;
                if (strchr(how.flags, '-') == NULL)
                    how.flags[flags++] = '-';
            }
        } else {
            how.width = psapi_wide_digits_(&at);
        }
        how.left = strchr(how.flags, '-') != NULL;
        if (*at == '.') {
            at++;
            if (*at == '*') {
                how.precision = va_arg(args, int);
                at++;
            } else {
                how.precision = psapi_wide_digits_(&at);
            }
        }
        at = psapi_wide_size_(at, &how);
        how.kind = *at < 0x80 ? (char)*at : 0;
        switch (how.kind) {
        case 'd':
        case 'i': {
            long long value = how.size == 8 ? va_arg(args, long long) : va_arg(args, int);
            if (how.size == 2)
                value = (short)value;
            else if (how.size == 1)
                value = (signed char)value;
            psapi_wide_print_number_(sink, &how, "ll", (unsigned long long)value, 0, 0);
            break;
        }
        case 'u':
        case 'o':
        case 'x':
        case 'X': {
            unsigned long long value =
                how.size == 8 ? va_arg(args, unsigned long long) : va_arg(args, unsigned);
            if (how.size < 4)
                value &= how.size == 2 ? 0xFFFFu : 0xFFu;
            psapi_wide_print_number_(sink, &how, "ll", value, 0, 0);
            break;
        }
        case 'p':
            how.kind = 'X';
            how.precision = 2 * (int)sizeof(void *);
            psapi_wide_print_number_(sink, &how, "ll", (uintptr_t)va_arg(args, void *), 0, 0);
            break;
        case 'a':
        case 'A':
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G':
            if (how.long_double)
                psapi_wide_print_number_(sink, &how, "L", 0, 0, va_arg(args, long double));
            else
                psapi_wide_print_number_(sink, &how, "", 0, va_arg(args, double), 0);
            break;
        case 'c':
        case 'C':
        case 's':
        case 'S': {
            /* Without a size prefix, the capital letters mean CHAR text. */
            int narrow = how.narrow || (!how.wide && (how.kind == 'C' || how.kind == 'S'));
            if (how.kind == 'c' || how.kind == 'C') {
                int value = va_arg(args, int);
                WCHAR unit = (WCHAR)value;
                char byte = (char)value;
                if (narrow)
                    psapi_wide_print_narrow_(sink, &how, &byte, 1);
                else
                    psapi_wide_print_wide_(sink, &how, &unit, 1);
            } else if (narrow) {
                const char *text = va_arg(args, const char *);
                text = text == NULL ? "(null)" : text;
                psapi_wide_print_narrow_(sink, &how, text,
                                         psapi_wide_narrow_length_(text, how.precision));
            } else {
                const WCHAR *text = va_arg(args, const WCHAR *);
                if (text == NULL)
                    psapi_wide_print_narrow_(sink, &how, "(null)",
                                             psapi_wide_narrow_length_("(null)", how.precision));
                else
                    psapi_wide_print_wide_(sink, &how, text,
                                           psapi_wide_text_length_(text, how.precision));
            }
            break;
        }
        case '%':
            psapi_wide_put_(sink, '%');
            break;
        default:
            /* The size of the argument is unknown, so later ones cannot be found. */
            errno = EINVAL;
            sink->failed = 1;
            return;
        }
    }
}

static inline int psapi_wide_vfprintf(FILE *file, const WCHAR *format, va_list args)
{
    struct psapi_wide_sink_ sink;
    memset(&sink, 0, sizeof(sink));
    sink.file = file;
    psapi_wide_format_(&sink, format, args);
    return psapi_wide_finish_(&sink);
}

static inline int psapi_wide_vprintf(const WCHAR *format, va_list args)
{
    return psapi_wide_vfprintf(stdout, format, args);
}

/* Like vsnprintf, returns the length of the whole text, even if it was truncated. */
static inline int psapi_wide_vsnprintf(WCHAR *to, size_t room, const WCHAR *format, va_list args)
{
    struct psapi_wide_sink_ sink;
    memset(&sink, 0, sizeof(sink));
    sink.to = to;
    sink.room = room;
    psapi_wide_format_(&sink, format, args);
    return psapi_wide_finish_(&sink);
}

static inline int psapi_wide_vsprintf(WCHAR *to, const WCHAR *format, va_list args)
{
    return psapi_wide_vsnprintf(to, (size_t)-1, format, args);
}

static inline int psapi_wide_fprintf(FILE *file, const WCHAR *format, ...)
{
    int count;
    va_list args;
    va_start(args, format);
    count = psapi_wide_vfprintf(file, format, args);
    va_end(args);
    return count;
}

static inline int psapi_wide_printf(const WCHAR *format, ...)
{
    int count;
    va_list args;
    va_start(args, format);
    count = psapi_wide_vprintf(format, args);
    va_end(args);
    return count;
}

static inline int psapi_wide_sprintf(WCHAR *to, const WCHAR *format, ...)
{
    int count;
    va_list args;
    va_start(args, format);
    count = psapi_wide_vsprintf(to, format, args);
    va_end(args);
    return count;
}

static inline int psapi_wide_fputs(const WCHAR *text, FILE *file)
{
    struct psapi_wide_sink_ sink;
    memset(&sink, 0, sizeof(sink));
    sink.file = file;
    for (; *text != 0; text++)
        psapi_wide_put_(&sink, *text);
    return psapi_wide_finish_(&sink) < 0 ? EOF : 0;
}

static inline int psapi_wide_puts(const WCHAR *text)
{
    return psapi_wide_fputs(text, stdout) == EOF || putchar('\n') == EOF ? EOF : 0;
}

/* -------- main -------- */

#ifdef __cplusplus
extern "C" {
#define PSAPI_C_LINKAGE_ extern "C"
#else
#define PSAPI_C_LINKAGE_
#endif
extern char **psapi_wide_environ_ __asm__("environ");

/* The program's _tmain. Its type is unknown here, so it is declared under another name and with all
   three arguments. A _tmain with fewer parameters ignores the rest. */
extern int psapi_wide_call_tmain_(int argc, WCHAR **argv, WCHAR **envp) __asm__("psapi_tmain");
#ifdef __cplusplus
}
#endif

static inline size_t psapi_wide_count_(char **strings)
{
    size_t count = 0;
    while (strings[count] != NULL)
        count++;
    return count;
}

/*
 * Turns "int _tmain(int argc, TCHAR *argv[])" into a main that calls the program's function. The
 * return type that precedes the macro is used up by a dummy declaration. For this reason _tmain can
 * only be defined, not declared or called.
 */
#define _tmain                                                                                     \
    psapi_tmain_is_next_(void);                                                                    \
    int main(int psapi_argc, char **psapi_argv)                                                    \
    {                                                                                              \
        WCHAR **psapi_wide_argv = psapi_wide_strings_(psapi_argv, (size_t)psapi_argc);             \
        WCHAR **psapi_wide_envp = psapi_wide_strings_(                                             \
            psapi_wide_environ_, psapi_wide_count_(psapi_wide_environ_));                          \
        int psapi_code = psapi_wide_call_tmain_(psapi_argc, psapi_wide_argv, psapi_wide_envp);     \
        free(psapi_wide_argv);                                                                     \
        free(psapi_wide_envp);                                                                     \
        return psapi_code;                                                                         \
    }                                                                                              \
    PSAPI_C_LINKAGE_ int psapi_tmain

#endif
