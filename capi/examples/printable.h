/* Prints a name as text on one line. Control characters become escapes, such as \n. A process can
   choose its name, and must not be able to forge a line or to move the cursor with it. */
#ifndef PRINTABLE_H
#define PRINTABLE_H

#include <windows.h>
#include <stdio.h>
#include <tchar.h>

/* Returns the control character at the start of a text, or 0. */
static inline unsigned control_character(LPCTSTR text)
{
#ifdef UNICODE
    unsigned first = (unsigned)text[0];
#else
    unsigned first = (unsigned char)text[0], second = first == 0 ? 0 : (unsigned char)text[1];
    /* In UTF-8, the characters from 0x80 to 0x9F have two bytes. */
    if (first == 0xC2 && second >= 0x80 && second < 0xA0)
        return second;
    if (first >= 0x80)
        return 0;
#endif
    return first < 0x20 || (first >= 0x7F && first < 0xA0) ? first : 0;
}

static inline void print_name(LPCTSTR name)
{
    while (*name != 0) {
        unsigned control = control_character(name);
        int length = 0;
        if (control == 0) {
            while (name[length] != 0 && control_character(name + length) == 0)
                length++;
            _tprintf(TEXT("%.*s"), length, name);
            name += length;
            continue;
        }
        if (control == '\n')
            _tprintf(TEXT("\\n"));
        else if (control == '\t')
            _tprintf(TEXT("\\t"));
        else if (control == '\r')
            _tprintf(TEXT("\\r"));
        else
            _tprintf(control < 0x80 ? TEXT("\\x%02x") : TEXT("\\u{%x}"), control);
        name += control >= 0x80 && sizeof(TCHAR) == 1 ? 2 : 1;
    }
}

#endif
