/*
 * windows.h: what programs that use the Process Status API need of the header of that name. The
 * types, the constants and the few functions that stand around the API in such programs; nothing
 * that is not here works, and all that is here does.
 *
 * On Linux:
 *   - CHAR text is UTF-8. WCHAR is a unit of UTF-16 on every platform, which is not what wchar_t is:
 *     char16_t in C++, the type of u"text" in C. TEXT("text") makes the right literal.
 *     L"text" is one only with -fshort-wchar, where WCHAR is wchar_t.
 *   - DWORD is an unsigned int (%u), SIZE_T a size_t (%zu), ULONGLONG an unsigned long long (%llu).
 *     printf of the C library knows none of %I64u, %Iu; nor is %lu for a DWORD.
 *   - UNICODE and _UNICODE mean the same: each sets the other.
 */
#ifndef PSAPI_WINDOWS_H
#define PSAPI_WINDOWS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_UNICODE) && !defined(UNICODE)
#define UNICODE 1
#elif defined(UNICODE) && !defined(_UNICODE)
#define _UNICODE 1
#endif

/* -------- how functions are called, and notes on their arguments: nothing here -------- */

#define WINAPI
#define APIENTRY
#define CALLBACK
#define WINBASEAPI
#ifndef __cdecl
#define __cdecl
#endif
#ifndef __stdcall
#define __stdcall
#endif
#ifndef _cdecl
#define _cdecl
#endif
#ifndef _stdcall
#define _stdcall
#endif

/* __in and __out are not here: the C++ library has names of its own that look so. */
#define IN
#define OUT
#define OPTIONAL
#define _In_
#define _In_opt_
#define _In_z_
#define _In_reads_(count)
#define _In_reads_opt_(count)
#define _In_reads_bytes_(size)
#define _In_reads_bytes_opt_(size)
#define _Out_
#define _Out_opt_
#define _Out_writes_(count)
#define _Out_writes_opt_(count)
#define _Out_writes_to_(count, written)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_opt_(size)
#define _Out_writes_bytes_to_(size, written)
#define _Inout_
#define _Inout_opt_
#define _Outptr_
#define _Reserved_
#define _Success_(condition)
#define _Check_return_
#define _Must_inspect_result_

/* -------- types -------- */

#ifndef VOID
#define VOID void
#endif
#ifndef CONST
#define CONST const
#endif
#ifndef __int64
#define __int64 long long
#endif

typedef char CHAR;
typedef signed char INT8;
typedef unsigned char UCHAR, BYTE, BOOLEAN, UINT8;
typedef short SHORT;
typedef int16_t INT16;
typedef unsigned short USHORT;
typedef uint16_t WORD, UINT16;
typedef int INT, BOOL;
typedef int32_t LONG, LONG32, INT32;
typedef unsigned int UINT;
typedef uint32_t DWORD, ULONG, DWORD32, ULONG32, UINT32;
typedef long long LONGLONG, LONG64, INT64;
typedef unsigned long long ULONGLONG, DWORDLONG, ULONG64, DWORD64, UINT64;
typedef float FLOAT;
typedef double DOUBLE;

/* As large as a pointer. */
typedef size_t SIZE_T;
typedef ptrdiff_t SSIZE_T;
typedef intptr_t INT_PTR, LONG_PTR;
typedef uintptr_t UINT_PTR, ULONG_PTR, DWORD_PTR;
typedef SIZE_T *PSIZE_T;
typedef ULONG_PTR *PULONG_PTR;
typedef DWORD_PTR *PDWORD_PTR;

typedef void *PVOID, *LPVOID;
typedef const void *LPCVOID;
typedef BYTE *PBYTE, *LPBYTE;
typedef UCHAR *PUCHAR;
typedef BOOL *PBOOL, *LPBOOL;
typedef BOOLEAN *PBOOLEAN;
typedef INT *PINT, *LPINT;
typedef UINT *PUINT;
typedef SHORT *PSHORT;
typedef USHORT *PUSHORT;
typedef WORD *PWORD, *LPWORD;
typedef LONG *PLONG, *LPLONG;
typedef ULONG *PULONG;
typedef DWORD *PDWORD, *LPDWORD;
typedef LONGLONG *PLONGLONG;
typedef ULONGLONG *PULONGLONG;
typedef ULONG64 *PULONG64;
typedef DWORD64 *PDWORD64;

/* Of a process: opaque, never followed. */
typedef void *HANDLE, *HLOCAL;
typedef HANDLE *PHANDLE, *LPHANDLE;

/* The address where a module begins in its process. */
#ifdef NO_STRICT
typedef void *HINSTANCE;
#else
struct HINSTANCE__ {
    int unused;
};
typedef struct HINSTANCE__ *HINSTANCE;
#endif
typedef HINSTANCE HMODULE;

/* -------- text -------- */

#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#define PSAPI_WIDE_(quote) L##quote
#elif defined(__cplusplus) && __cplusplus >= 201103L
typedef char16_t WCHAR;
#define PSAPI_WIDE_(quote) u##quote
#else
typedef __CHAR16_TYPE__ WCHAR;
/* C has u"text" since C11, gcc also in gnu99. Elsewhere there is no literal for it, and no TEXT. */
#if (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L) ||                                  \
    (!defined(__cplusplus) && !defined(__clang__) && !defined(__STRICT_ANSI__))
#define PSAPI_WIDE_(quote) u##quote
#endif
#endif

typedef CHAR *PCHAR, *LPCH, *PSTR, *LPSTR, *NPSTR;
typedef const CHAR *PCCH, *PCSTR, *LPCSTR;
typedef WCHAR *PWCHAR, *PWCH, *PWSTR, *LPWSTR;
typedef const WCHAR *PCWCH, *PCWSTR, *LPCWSTR;

#ifdef UNICODE
typedef WCHAR TCHAR, _TCHAR;
typedef LPWSTR PTSTR, LPTSTR;
typedef LPCWSTR PCTSTR, LPCTSTR;
#ifdef PSAPI_WIDE_
#define PSAPI_TEXT_(quote) PSAPI_WIDE_(quote)
#endif
#else
typedef CHAR TCHAR, _TCHAR;
typedef LPSTR PTSTR, LPTSTR;
typedef LPCSTR PCTSTR, LPCTSTR;
#define PSAPI_TEXT_(quote) quote
#endif
typedef TCHAR *PTCHAR;
#ifdef PSAPI_TEXT_
#define TEXT(quote) PSAPI_TEXT_(quote)
#endif

/* -------- small things -------- */

#ifndef FALSE
#define FALSE 0
#endif
#ifndef TRUE
#define TRUE 1
#endif

#define MAX_PATH 260
#define INFINITE 0xFFFFFFFFu
#define INVALID_HANDLE_VALUE ((HANDLE)(LONG_PTR)-1)

#ifndef ARRAYSIZE
#define ARRAYSIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif
#ifndef _countof
#define _countof(array) (sizeof(array) / sizeof((array)[0]))
#endif
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))

#define ZeroMemory(to, length) memset((to), 0, (length))
#define FillMemory(to, length, byte) memset((to), (byte), (length))
#define CopyMemory(to, from, length) memcpy((to), (from), (length))
#define MoveMemory(to, from, length) memmove((to), (from), (length))

#ifndef NOMINMAX
#ifndef __cplusplus
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#elif __cplusplus >= 201103L
/* Macros of these names would break every header of the C++ library that comes after. Functions
   take two of different types, as the macros do, and leave std::min to who names it. */
template <class A, class B>
constexpr auto min(const A &a, const B &b) -> decltype(b < a ? b : a)
{
    return b < a ? b : a;
}
template <class A, class B>
constexpr auto max(const A &a, const B &b) -> decltype(a < b ? b : a)
{
    return a < b ? b : a;
}
#endif
#endif

/* -------- access rights of a process handle -------- */

#define SYNCHRONIZE 0x00100000
#define STANDARD_RIGHTS_REQUIRED 0x000F0000
#define MAXIMUM_ALLOWED 0x02000000

#define PROCESS_TERMINATE 0x0001
#define PROCESS_CREATE_THREAD 0x0002
#define PROCESS_SET_SESSIONID 0x0004
#define PROCESS_VM_OPERATION 0x0008
#define PROCESS_VM_READ 0x0010
#define PROCESS_VM_WRITE 0x0020
#define PROCESS_DUP_HANDLE 0x0040
#define PROCESS_CREATE_PROCESS 0x0080
#define PROCESS_SET_QUOTA 0x0100
#define PROCESS_SET_INFORMATION 0x0200
#define PROCESS_QUERY_INFORMATION 0x0400
#define PROCESS_SUSPEND_RESUME 0x0800
#define PROCESS_QUERY_LIMITED_INFORMATION 0x1000
#define PROCESS_SET_LIMITED_INFORMATION 0x2000
#define PROCESS_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | SYNCHRONIZE | 0xFFFF)

/* -------- error codes -------- */

#define NO_ERROR 0
#define ERROR_SUCCESS 0
#define ERROR_INVALID_FUNCTION 1
#define ERROR_FILE_NOT_FOUND 2
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_BAD_LENGTH 24
#define ERROR_GEN_FAILURE 31
#define ERROR_NOT_SUPPORTED 50
#define ERROR_UNEXP_NET_ERR 59
#define ERROR_INVALID_PARAMETER 87
#define ERROR_INSUFFICIENT_BUFFER 122
#define ERROR_MOD_NOT_FOUND 126
#define ERROR_NOT_LOCKED 158
#define ERROR_NO_MORE_ITEMS 259
#define ERROR_PARTIAL_COPY 299
#define ERROR_MR_MID_NOT_FOUND 317
#define ERROR_INVALID_ADDRESS 487
#define ERROR_NOACCESS 998
#define ERROR_FILE_INVALID 1006
#define ERROR_WORKING_SET_QUOTA 1453
#define ERROR_RESOURCE_LANG_NOT_FOUND 1815

/* -------- memory -------- */

#define PAGE_NOACCESS 0x01
#define PAGE_READONLY 0x02
#define PAGE_READWRITE 0x04
#define PAGE_WRITECOPY 0x08
#define PAGE_EXECUTE 0x10
#define PAGE_EXECUTE_READ 0x20
#define PAGE_EXECUTE_READWRITE 0x40
#define PAGE_EXECUTE_WRITECOPY 0x80
#define PAGE_GUARD 0x100
#define PAGE_NOCACHE 0x200
#define PAGE_WRITECOMBINE 0x400

#define MEM_COMMIT 0x00001000
#define MEM_RESERVE 0x00002000
#define MEM_DECOMMIT 0x00004000
#define MEM_RELEASE 0x00008000

/* -------- messages -------- */

#define FORMAT_MESSAGE_ALLOCATE_BUFFER 0x00000100
#define FORMAT_MESSAGE_IGNORE_INSERTS 0x00000200
#define FORMAT_MESSAGE_FROM_STRING 0x00000400
#define FORMAT_MESSAGE_FROM_HMODULE 0x00000800
#define FORMAT_MESSAGE_FROM_SYSTEM 0x00001000
#define FORMAT_MESSAGE_ARGUMENT_ARRAY 0x00002000
#define FORMAT_MESSAGE_MAX_WIDTH_MASK 0x000000FF

#define LANG_NEUTRAL 0x00
#define LANG_ENGLISH 0x09
#define SUBLANG_NEUTRAL 0x00
#define SUBLANG_DEFAULT 0x01
#define SUBLANG_ENGLISH_US 0x01
#define MAKELANGID(primary, sub) ((((WORD)(sub)) << 10) | (WORD)(primary))

/* -------- the system -------- */

#define PROCESSOR_ARCHITECTURE_INTEL 0
#define PROCESSOR_ARCHITECTURE_ARM 5
#define PROCESSOR_ARCHITECTURE_AMD64 9
#define PROCESSOR_ARCHITECTURE_ARM64 12
#define PROCESSOR_ARCHITECTURE_UNKNOWN 0xFFFF

typedef struct _SYSTEM_INFO {
    __extension__ union {
        DWORD dwOemId;
        __extension__ struct {
            WORD wProcessorArchitecture; /* PROCESSOR_ARCHITECTURE_... */
            WORD wReserved;
        };
    };
    DWORD dwPageSize;
    LPVOID lpMinimumApplicationAddress;
    LPVOID lpMaximumApplicationAddress;
    DWORD_PTR dwActiveProcessorMask;
    DWORD dwNumberOfProcessors;
    DWORD dwProcessorType;
    DWORD dwAllocationGranularity;
    WORD wProcessorLevel;
    WORD wProcessorRevision;
} SYSTEM_INFO, *LPSYSTEM_INFO;

#define PROCESS_NAME_NATIVE 0x00000001

#ifdef __cplusplus
extern "C" {
#endif

/* -------- processes -------- */

/*
 * A handle of a process, for some of the rights above; NULL on failure. Close it with CloseHandle.
 * It means this process: when the process ends and its id goes to another one, calls fail.
 *   ERROR_INVALID_PARAMETER  there is no process of this id, or it is 0
 *   ERROR_ACCESS_DENIED      the kernel would not grant a right; it is asked now, not later
 * On Linux: everybody may have PROCESS_QUERY_LIMITED_INFORMATION and the standard rights. The others
 * take what it takes to trace the process (the same user, or CAP_SYS_PTRACE). PROCESS_SET_QUOTA takes
 * CAP_SYS_NICE, too, for what is not the caller. MAXIMUM_ALLOWED grants what can be had. What is
 * executed inherits no handles.
 */
HANDLE WINAPI OpenProcess(DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwProcessId);

/*
 * Closes a handle, whose value is then invalid for good.
 *   ERROR_INVALID_HANDLE  it is none, or was closed before
 */
BOOL WINAPI CloseHandle(HANDLE hObject);

/* The pseudo handle (HANDLE)-1: the caller's own process, with all rights. Need not be closed. */
HANDLE WINAPI GetCurrentProcess(void);

DWORD WINAPI GetCurrentProcessId(void);

/*
 * The path of the file that a process runs. *lpdwSize is the room in characters, the NUL included, and
 * becomes the length without it. dwFlags is 0 or PROCESS_NAME_NATIVE: on Linux there is one form
 * of a path.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  it does not fit
 *   ERROR_GEN_FAILURE          the process has ended, or is a thread of the kernel
 */
BOOL WINAPI QueryFullProcessImageNameA(HANDLE hProcess, DWORD dwFlags, LPSTR lpExeName,
                                       PDWORD lpdwSize);
BOOL WINAPI QueryFullProcessImageNameW(HANDLE hProcess, DWORD dwFlags, LPWSTR lpExeName,
                                       PDWORD lpdwSize);

/* -------- errors -------- */

/* Why the last call that failed did, for each thread. A call that succeeds leaves it alone. */
DWORD WINAPI GetLastError(void);
void WINAPI SetLastError(DWORD dwErrCode);

/*
 * The text of an error code above, in English. Returns its length in characters; 0 on failure. With
 * FORMAT_MESSAGE_ALLOCATE_BUFFER lpBuffer is the address of a pointer, to what LocalFree frees then,
 * and nSize the least that it has room for. It ends with a line break, unless the width in dwFlags is
 * FORMAT_MESSAGE_MAX_WIDTH_MASK.
 *   ERROR_MR_MID_NOT_FOUND         there is no text for the code
 *   ERROR_RESOURCE_LANG_NOT_FOUND  there is none in a language that is neither LANG_NEUTRAL nor
 *                                  LANG_ENGLISH
 *   ERROR_INSUFFICIENT_BUFFER      it does not fit
 *   ERROR_INVALID_PARAMETER        flags that there are not
 *   ERROR_NOT_SUPPORTED            FORMAT_MESSAGE_FROM_STRING, FORMAT_MESSAGE_FROM_HMODULE: there are
 *                                  no other texts, and so no inserts
 */
DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId,
                            LPSTR lpBuffer, DWORD nSize, va_list *Arguments);
DWORD WINAPI FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId,
                            LPWSTR lpBuffer, DWORD nSize, va_list *Arguments);

/*
 * Frees what FormatMessage allocated, and returns NULL; returns hMem on failure.
 *   ERROR_INVALID_HANDLE  it is nothing of that kind, or was freed before
 */
HLOCAL WINAPI LocalFree(HLOCAL hMem);

/* -------- own modules -------- */

/*
 * Where a module of the caller's own process begins: its executable for NULL.
 *   ERROR_MOD_NOT_FOUND  no module has this name, or this path if there is a slash in it
 * On Linux: names are compared letter by letter, and ".dll" is not added. A shared library has the
 * name by which programs are linked with it (libc.so.6), too.
 */
HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName);
HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName);

/*
 * The path of a module of the caller's own process: its executable for NULL. Returns its length. What
 * does not fit is cut off and ends with NUL; nSize is returned then, and the last error is
 * ERROR_INSUFFICIENT_BUFFER.
 *   ERROR_MOD_NOT_FOUND  no module begins there
 */
DWORD WINAPI GetModuleFileNameA(HMODULE hModule, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetModuleFileNameW(HMODULE hModule, LPWSTR lpFilename, DWORD nSize);

/* -------- time -------- */

/* Waits at least so long, INFINITE for ever; a signal makes it no shorter. */
void WINAPI Sleep(DWORD dwMilliseconds);

/* Milliseconds since the system started; the first begins again after 49.7 days. */
DWORD WINAPI GetTickCount(void);
ULONGLONG WINAPI GetTickCount64(void);

/* -------- own memory -------- */

/*
 * Memory of the caller's own: reserved at multiples of 64 KiB (MEM_RESERVE), committed in whole pages
 * (MEM_COMMIT), both at once if lpAddress is NULL. It has zeros in it, and any of the PAGE_...
 * protections but those that copy on write; PAGE_GUARD, PAGE_NOCACHE and PAGE_WRITECOMBINE are
 * not there. NULL on failure.
 *   ERROR_INVALID_PARAMETER  flags, a size or a protection that there is not
 *   ERROR_INVALID_ADDRESS    what is to be reserved is in use; what is to be committed, not reserved
 *   ERROR_NOT_ENOUGH_MEMORY  there is not so much
 */
LPVOID WINAPI VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType,
                           DWORD flProtect);

/*
 * Gives back all that VirtualAlloc has reserved at lpAddress (MEM_RELEASE, dwSize being 0), or only
 * what is committed of some pages (MEM_DECOMMIT). Errors as above; of other memory,
 * ERROR_INVALID_ADDRESS.
 */
BOOL WINAPI VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType);

/*
 * Changes the protection of pages, whatever they are; *lpflOldProtect becomes that of the first until
 * then. Pages of a file that is mapped privately, and only those, can be PAGE_WRITECOPY.
 *   ERROR_INVALID_ADDRESS    not all of the pages are there, or are committed
 *   ERROR_INVALID_PARAMETER  a protection that there is not for them
 */
BOOL WINAPI VirtualProtect(LPVOID lpAddress, SIZE_T dwSize, DWORD flNewProtect,
                           PDWORD lpflOldProtect);

/*
 * Brings pages into the working set and keeps them there, and lets them go: on a page that was not
 * locked, at once.
 *   ERROR_NOACCESS           of VirtualLock: not all of the pages are there, or may be accessed
 *   ERROR_WORKING_SET_QUOTA  of VirtualLock: on Linux, more than RLIMIT_MEMLOCK
 *   ERROR_NOT_LOCKED         of VirtualUnlock: not all of the pages were locked
 */
BOOL WINAPI VirtualLock(LPVOID lpAddress, SIZE_T dwSize);
BOOL WINAPI VirtualUnlock(LPVOID lpAddress, SIZE_T dwSize);

/* The processors, the size of a page, and the addresses that VirtualAlloc can be asked for. */
void WINAPI GetSystemInfo(LPSYSTEM_INFO lpSystemInfo);

#ifdef __cplusplus
}
#endif

#ifdef UNICODE
#define QueryFullProcessImageName QueryFullProcessImageNameW
#define FormatMessage FormatMessageW
#define GetModuleHandle GetModuleHandleW
#define GetModuleFileName GetModuleFileNameW
#else
#define QueryFullProcessImageName QueryFullProcessImageNameA
#define FormatMessage FormatMessageA
#define GetModuleHandle GetModuleHandleA
#define GetModuleFileName GetModuleFileNameA
#endif

#endif
