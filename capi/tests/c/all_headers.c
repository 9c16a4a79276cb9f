/* Includes every header, for a list of all declarations. */
#include <psapi.h>
#include <tchar.h>
#include <tlhelp32.h>
