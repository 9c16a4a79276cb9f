/* The forms that docs/porting.md recommends for programs that use wchar_t. */
#include <windows.h>
#include <psapi.h>
#include <tchar.h>

#include <clocale>
#include <cstdlib>
#include <string>

/* Calls the W form with WCHAR text. */
static std::basic_string<WCHAR> utf16_name()
{
    WCHAR path[MAX_PATH];
    const DWORD length = GetModuleFileNameExW(GetCurrentProcess(), NULL, path, MAX_PATH);
    return std::basic_string<WCHAR>(path, length);
}

/* Calls the A form, and converts its text to wchar_t. */
static std::wstring wchar_name()
{
    char path[MAX_PATH];
    wchar_t wide[MAX_PATH];
    if (GetModuleFileNameExA(GetCurrentProcess(), NULL, path, MAX_PATH) == 0 ||
        std::mbstowcs(wide, path, MAX_PATH) == static_cast<std::size_t>(-1))
        return std::wstring();
    return wide;
}

int _tmain()
{
    std::setlocale(LC_ALL, "C.UTF-8");
    const std::basic_string<WCHAR> utf16 = utf16_name();
    const std::wstring wide = wchar_name();
    std::wstring expected;
    /* The tests use a name without surrogates. */
    for (WCHAR unit : utf16)
        expected += static_cast<wchar_t>(unit);
    _tprintf(TEXT("%s\n"), utf16.c_str());
    return !wide.empty() && wide == expected && utf16.find(u"/\u20ac") != utf16.npos ? 0 : 1;
}
