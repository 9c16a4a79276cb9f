/*
 * tchar.h: names that are CHAR functions, or WCHAR functions with UNICODE. Those for CHAR are the C
 * library's; those for WCHAR are in psapi_wide.h.
 */
#ifndef PSAPI_TCHAR_H
#define PSAPI_TCHAR_H

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "windows.h"

#ifdef TEXT
#define _T(quote) TEXT(quote)
#define _TEXT(quote) TEXT(quote)
#endif

#ifndef UNICODE

#define _tmain main

#define _tprintf printf
#define _ftprintf fprintf
#define _stprintf sprintf
#define _vtprintf vprintf
#define _vftprintf vfprintf
#define _vstprintf vsprintf
#define _putts puts
#define _fputts fputs
#define _puttchar putchar
#define _fputtc fputc

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
#define _ttol atol
#define _tstoi atoi
#define _tstol atol
#define _tcstol strtol
#define _tcstoul strtoul
#define _tcstoll strtoll
#define _tcstoull strtoull

#endif

#endif
