/* Reads names as UTF-16, and converts them for output and for a log. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <psapi.h>

int main(void)
{
    WCHAR wide[MAX_PATH], again[MAX_PATH];
    char text[4 * MAX_PATH];
    int length, size;
    BOOL replaced = TRUE;

    if (GetModuleFileNameExW(GetCurrentProcess(), NULL, wide, MAX_PATH) == 0)
        return 1;
    size = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
    length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, sizeof(text), NULL, NULL);
    if (length == 0 || length != size)
        return 1;
    printf("path %s\n", text);
    length = MultiByteToWideChar(CP_ACP, 0, text, -1, again, MAX_PATH);
    printf("same %d\n", length > 0 && memcmp(wide, again, (size_t)length * sizeof(WCHAR)) == 0);
    WideCharToMultiByte(CP_ACP, 0, wide, -1, text, sizeof(text), "?", &replaced);
    printf("replaced %d\n", replaced);
    fflush(stdout);
    OutputDebugStringW(wide);
    OutputDebugStringA("\n");
    /* 0xFF is never part of UTF-8. */
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, "\xff", -1, again, MAX_PATH) == 0)
        printf("invalid %u\n", GetLastError());
    return 0;
}
