/* Compiled, not run. Asserts sizes and values, and uses each type and macro of the headers. Must
 * compile as C and as C++, with and without UNICODE. */
#include <windows.h>
#include <tchar.h>
#include <psapi.h>
#include <tlhelp32.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#elif __STDC_VERSION__ >= 201112L
#define ASSERT(condition) _Static_assert(condition, #condition)
#else
#define ASSERT(condition) struct assertion
#endif

ASSERT(sizeof(BYTE) == 1 && sizeof(BOOLEAN) == 1 && sizeof(CHAR) == 1);
ASSERT(sizeof(WORD) == 2 && sizeof(USHORT) == 2 && sizeof(WCHAR) == 2);
ASSERT(sizeof(DWORD) == 4 && sizeof(ULONG) == 4 && sizeof(UINT) == 4);
ASSERT(sizeof(BOOL) == 4 && sizeof(LONG) == 4 && sizeof(INT) == 4);
ASSERT(sizeof(ULONG64) == 8 && sizeof(ULONGLONG) == 8 && sizeof(DWORD64) == 8);
ASSERT(sizeof(LONGLONG) == 8 && sizeof(__int64) == 8);
ASSERT(sizeof(SIZE_T) == sizeof(void *) && sizeof(ULONG_PTR) == sizeof(void *));
ASSERT(sizeof(DWORD_PTR) == sizeof(void *) && sizeof(UINT_PTR) == sizeof(void *));
ASSERT(sizeof(HANDLE) == sizeof(void *) && sizeof(HMODULE) == sizeof(void *));
ASSERT(sizeof(HLOCAL) == sizeof(void *) && sizeof(HINSTANCE) == sizeof(void *));
ASSERT((DWORD)-1 > 0 && (SIZE_T)-1 > 0 && (WCHAR)-1 > 0 && (BYTE)-1 > 0);
ASSERT((LONG)-1 < 0 && (LONG_PTR)-1 < 0);
#ifdef UNICODE
ASSERT(sizeof(TCHAR) == 2 && sizeof(_TCHAR) == 2 && sizeof(TEXT("ab")) == 6);
#else
ASSERT(sizeof(TCHAR) == 1 && sizeof(_TCHAR) == 1 && sizeof(TEXT("ab")) == 3);
#endif

ASSERT(PROCESS_VM_READ == 0x10 && PROCESS_SET_QUOTA == 0x100);
ASSERT(PROCESS_SET_INFORMATION == 0x200 && PROCESS_QUERY_INFORMATION == 0x400);
ASSERT(PROCESS_QUERY_LIMITED_INFORMATION == 0x1000 && PROCESS_ALL_ACCESS == 0x1FFFFF);
ASSERT(STANDARD_RIGHTS_REQUIRED == 0xF0000 && MAXIMUM_ALLOWED == 0x2000000);
ASSERT(LIST_MODULES_DEFAULT == 0 && LIST_MODULES_32BIT == 1 && LIST_MODULES_64BIT == 2);
ASSERT(LIST_MODULES_ALL == 3);

ASSERT(ERROR_INVALID_FUNCTION == 1 && ERROR_FILE_NOT_FOUND == 2 && ERROR_ACCESS_DENIED == 5);
ASSERT(ERROR_INVALID_HANDLE == 6 && ERROR_NOT_ENOUGH_MEMORY == 8 && ERROR_BAD_LENGTH == 24);
ASSERT(ERROR_GEN_FAILURE == 31 && ERROR_NOT_SUPPORTED == 50 && ERROR_UNEXP_NET_ERR == 59);
ASSERT(ERROR_INVALID_PARAMETER == 87 && ERROR_INSUFFICIENT_BUFFER == 122);
ASSERT(ERROR_NO_MORE_ITEMS == 259 && ERROR_PARTIAL_COPY == 299 && ERROR_NOACCESS == 998);
ASSERT(ERROR_FILE_INVALID == 1006 && ERROR_SUCCESS == 0);

ASSERT(ERROR_NO_MORE_FILES == 18 && ERROR_PROC_NOT_FOUND == 127 && ERROR_MORE_DATA == 234);
ASSERT(ERROR_INVALID_FLAGS == 1004 && ERROR_NO_UNICODE_TRANSLATION == 1113);
ASSERT(ERROR_NOT_ALL_ASSIGNED == 1300 && ERROR_NO_SUCH_PRIVILEGE == 1313);

ASSERT(READ_CONTROL == 0x20000 && TOKEN_QUERY == 8 && TOKEN_ADJUST_PRIVILEGES == 0x20);
ASSERT(TOKEN_READ == 0x20008 && TOKEN_ALL_ACCESS == 0xF01FF && SE_PRIVILEGE_ENABLED == 2);
ASSERT(STILL_ACTIVE == 259 && WAIT_OBJECT_0 == 0 && WAIT_TIMEOUT == 258);
ASSERT(WAIT_FAILED == 0xFFFFFFFF && MAXDWORD == 0xFFFFFFFF && HEAP_ZERO_MEMORY == 8);
ASSERT(MEM_FREE == 0x10000 && MEM_PRIVATE == 0x20000 && MEM_MAPPED == 0x40000);
ASSERT(MEM_IMAGE == 0x1000000 && CP_UTF8 == 65001 && MB_ERR_INVALID_CHARS == 8);
ASSERT(TH32CS_SNAPPROCESS == 2 && TH32CS_SNAPTHREAD == 4 && TH32CS_SNAPMODULE == 8);
ASSERT(TH32CS_SNAPMODULE32 == 0x10 && TH32CS_SNAPALL == 0xF && MAX_MODULE_NAME32 == 255);
ASSERT(LOWORD(0x12345678) == 0x5678 && HIWORD(0x12345678) == 0x1234);
ASSERT(LOBYTE(0x1234) == 0x34 && HIBYTE(0x1234) == 0x12);

EXTERN_C DWORD annotated(_In_range_(0, 7) DWORD number, _Inout_updates_(number) PDWORD values);

ASSERT(PSAPI_VERSION == 2);
ASSERT(MAX_PATH == 260 && TRUE == 1 && FALSE == 0);

/* Uses each type name in a typical way. */
static DWORD WINAPI use(IN LPCVOID in, OUT LPVOID out, _In_opt_ PVOID optional)
{
    static TCHAR text[MAX_PATH] = TEXT("text");
    LPTSTR writable = text;
    LPCTSTR constant = _T("constant"), same = _TEXT("same");
    LPSTR narrow = NULL;
    LPCSTR constant_narrow = "narrow";
    LPWSTR wide = NULL;
    LPCWSTR constant_wide = wide;
    PBYTE bytes = (PBYTE)out;
    LPBYTE more_bytes = bytes;
    PDWORD dword = (PDWORD)out;
    LPDWORD same_dword = dword;
    PULONG ulong = dword;
    PBOOL boolean = (PBOOL)out;
    CONST DWORD constant_dword = 1;
    PSIZE_T size = (PSIZE_T)out;
    HANDLE handle = INVALID_HANDLE_VALUE;
    PHANDLE handles = &handle;
    HMODULE module = GetModuleHandle(NULL);
    HINSTANCE instance = module;
    DWORD array[7];
    struct {
        PPROCESS_MEMORY_COUNTERS counters;
        PPROCESS_MEMORY_COUNTERS_EX longer_counters;
        PPROCESS_MEMORY_COUNTERS_EX2 longest_counters;
        LPMODULEINFO module;
        PPSAPI_WORKING_SET_BLOCK block;
        PPSAPI_WORKING_SET_INFORMATION set;
        PPSAPI_WORKING_SET_EX_BLOCK answer;
        PPSAPI_WORKING_SET_EX_INFORMATION answers;
        PPSAPI_WS_WATCH_INFORMATION change;
        PPSAPI_WS_WATCH_INFORMATION_EX longer_change;
        PENUM_PAGE_FILE_INFORMATION page_file;
        PPERFORMANCE_INFORMATION performance;
        PPERFORMACE_INFORMATION misspelt;
        PENUM_PAGE_FILE_CALLBACK callback;
        PENUM_PAGE_FILE_CALLBACKA callback_a;
        PENUM_PAGE_FILE_CALLBACKW callback_w;
        LPSYSTEM_INFO system;
        LPFILETIME time;
        PLARGE_INTEGER number;
        PULARGE_INTEGER positive;
        PIO_COUNTERS io;
        LPMEMORYSTATUSEX status;
        PMEMORY_BASIC_INFORMATION region;
        PTOKEN_PRIVILEGES privileges;
        PLUID privilege;
        LPPROCESSENTRY32 process;
        LPTHREADENTRY32 thread;
        LPMODULEENTRY32 loaded;
        FARPROC function;
    } types;
    LARGE_INTEGER whole = {0};
    ULARGE_INTEGER halves;

    ZeroMemory(&types, sizeof(types));
    SecureZeroMemory(&types, sizeof(types));
    whole.LowPart = 7;
    halves.HighPart = (DWORD)whole.QuadPart;
    halves.LowPart = halves.HighPart;
    array[0] = (DWORD)halves.QuadPart + (DWORD)_strnicmp("ab", "AC", 1) + (DWORD)_stricmp("a", "A");
    FillMemory(array, sizeof(array), 0xFF);
    CopyMemory(array, array + 4, 2 * sizeof(array[0]));
    MoveMemory(array, array + 1, 6 * sizeof(array[0]));
    UNREFERENCED_PARAMETER(in);
    UNREFERENCED_PARAMETER(optional);
#if !defined(NOMINMAX)
    array[0] = min(array[1], constant_dword) + max(array[2], array[3]);
#endif
    return array[0] + constant_dword + (DWORD)ARRAYSIZE(array) + (DWORD)_countof(array) + same_dword[0] + ulong[0] +
           (DWORD)boolean[0] + more_bytes[0] + (DWORD)size[0] + (DWORD)(handles[0] == NULL) +
           (DWORD)(instance == NULL) + (DWORD)(writable == constant) + (DWORD)(same == NULL) +
           (DWORD)(narrow == constant_narrow) + (DWORD)(constant_wide == NULL) +
           (DWORD)(types.counters == NULL);
}

VOID CALLBACK call(VOID);
VOID CALLBACK call(VOID)
{
    SetLastError(use(NULL, NULL, NULL));
}
