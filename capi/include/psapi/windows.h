/*
 * windows.h: the part of the Windows header that programs need to use the Process Status API. It
 * has the types, constants and functions that such programs commonly use. Everything declared here
 * works; a program that needs more does not compile.
 *
 * On Linux:
 *   - CHAR text is UTF-8. WCHAR is a UTF-16 code unit: char16_t in C++, the type of u"text" in C.
 *     It differs from wchar_t, which has 32 bits. TEXT("text") makes a literal of the right type.
 *   - DWORD is unsigned int (%u), SIZE_T is size_t (%zu), ULONGLONG is unsigned long long (%llu).
 *     The C library's printf does not support %I64u and %Iu, and %lu does not match a DWORD.
 *   - Defining UNICODE also defines _UNICODE, and vice versa. UNICODE needs the literals of C11 or
 *     C++11.
 */
#ifndef PSAPI_WINDOWS_H
#define PSAPI_WINDOWS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#if defined(_UNICODE) && !defined(UNICODE)
#define UNICODE 1
#elif defined(UNICODE) && !defined(_UNICODE)
#define _UNICODE 1
#endif

/* -------- calling conventions and annotations, which are empty here -------- */

#define WINAPI
#define APIENTRY
#define CALLBACK
#define WINBASEAPI
#define WINADVAPI
#define NTAPI
#define PASCAL
#ifndef EXTERN_C
#ifdef __cplusplus
#define EXTERN_C extern "C"
#else
#define EXTERN_C extern
#endif
#endif
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

/* __in and __out are missing, because the C++ library uses these identifiers. */
#define IN
#define OUT
#define OPTIONAL
#define _In_
#define _In_opt_
#define _In_z_
#define _In_opt_z_
#define _In_range_(low, high)
#define _In_reads_(count)
#define _In_reads_opt_(count)
#define _In_reads_bytes_(size)
#define _In_reads_bytes_opt_(size)
#define _Out_
#define _Out_opt_
#define _Out_range_(low, high)
#define _Out_writes_(count)
#define _Out_writes_opt_(count)
#define _Out_writes_to_(count, written)
#define _Out_writes_bytes_(size)
#define _Out_writes_bytes_opt_(size)
#define _Out_writes_bytes_to_(size, written)
#define _Inout_
#define _Inout_opt_
#define _Inout_updates_(count)
#define _Inout_updates_bytes_(size)
#define _Outptr_
#define _Outptr_opt_
#define _Ret_maybenull_
#define _Ret_notnull_
#define _Field_size_(count)
#define _Field_size_bytes_(size)
#define _Null_terminated_
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
__extension__ typedef long long LONGLONG, LONG64, INT64;
__extension__ typedef unsigned long long ULONGLONG, DWORDLONG, ULONG64, DWORD64, UINT64;
typedef float FLOAT;
typedef double DOUBLE;

/* Types with the size of a pointer. */
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

/* A 64-bit number and its halves. On big-endian processors, LowPart is the upper half. */
typedef union _LARGE_INTEGER {
    LONGLONG QuadPart;
    __extension__ struct {
        DWORD LowPart;
        LONG HighPart;
    };
    struct {
        DWORD LowPart;
        LONG HighPart;
    } u;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    ULONGLONG QuadPart;
    __extension__ struct {
        DWORD LowPart;
        DWORD HighPart;
    };
    struct {
        DWORD LowPart;
        DWORD HighPart;
    } u;
} ULARGE_INTEGER, *PULARGE_INTEGER;

/* Units of 100 ns. A date is the time since 1601. */
typedef struct _FILETIME {
    DWORD dwLowDateTime;
    DWORD dwHighDateTime;
} FILETIME, *PFILETIME, *LPFILETIME;

/* The address of a function. Convert it to the function's own type before the call. Here it has the
   type that compilers let programs convert without a warning. */
typedef void(WINAPI *FARPROC)(void);
typedef FARPROC PROC;

/* Opaque values, never dereferenced. */
typedef void *HANDLE, *HLOCAL;
typedef HANDLE *PHANDLE, *LPHANDLE;

/* The base address of a module in its process. */
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
/* C11 has u"text", and so does gcc's gnu99. Other dialects have no 16-bit literals. */
#if defined(__STDC_VERSION__) &&                                                                   \
    (__STDC_VERSION__ >= 201112L ||                                                                \
     (__STDC_VERSION__ >= 199901L && !defined(__clang__) && !defined(__STRICT_ANSI__)))
#define PSAPI_WIDE_(quote) u##quote
#elif defined(UNICODE)
#error "UNICODE needs the UTF-16 literals of C11 or C++11: compile with -std=c11 or -std=c++11"
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
#define PSAPI_TEXT_(quote) PSAPI_WIDE_(quote)
#else
typedef CHAR TCHAR, _TCHAR;
typedef LPSTR PTSTR, LPTSTR;
typedef LPCSTR PCTSTR, LPCTSTR;
#define PSAPI_TEXT_(quote) quote
#endif
typedef TCHAR *PTCHAR;
#define TEXT(quote) PSAPI_TEXT_(quote)

/* -------- common macros -------- */

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
#define LOBYTE(value) ((BYTE)((DWORD_PTR)(value) & 0xFF))
#define HIBYTE(value) ((BYTE)((DWORD_PTR)(value) >> 8 & 0xFF))
#define LOWORD(value) ((WORD)((DWORD_PTR)(value) & 0xFFFF))
#define HIWORD(value) ((WORD)((DWORD_PTR)(value) >> 16 & 0xFFFF))
#define MAXWORD 0xFFFF
#define MAXDWORD 0xFFFFFFFFu
#define MAXULONGLONG 0xFFFFFFFFFFFFFFFFull
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))

#define ZeroMemory(to, length) memset((to), 0, (length))
#define FillMemory(to, length, byte) memset((to), (byte), (length))
#define CopyMemory(to, from, length) memcpy((to), (from), (length))
#define MoveMemory(to, from, length) memmove((to), (from), (length))

/* Writes zeros that the compiler must not omit. Returns the address. */
static __inline__ PVOID psapi_secure_zero(PVOID to, SIZE_T length)
{
    volatile BYTE *at = (volatile BYTE *)to;
    while (length-- > 0)
        *at++ = 0;
    return to;
}
#define SecureZeroMemory(to, length) psapi_secure_zero((to), (length))

/* Comparisons of CHAR text, with the names of the C library on Windows. */
#ifndef _stricmp
#define _stricmp strcasecmp
#endif
#ifndef _strnicmp
#define _strnicmp strncasecmp
#endif

#ifndef NOMINMAX
#ifndef __cplusplus
#ifndef min
#define min(a, b) (((a) < (b)) ? (a) : (b))
#endif
#ifndef max
#define max(a, b) (((a) > (b)) ? (a) : (b))
#endif
#elif __cplusplus >= 201103L
/* Macros with these names would break C++ library headers that are included later. Like the macros,
   these functions accept two different types. They do not affect qualified calls of std::min. */
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

#define READ_CONTROL 0x00020000
#define SYNCHRONIZE 0x00100000
#define STANDARD_RIGHTS_READ READ_CONTROL
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

/* -------- access rights of a token handle, and privileges -------- */

#define TOKEN_ASSIGN_PRIMARY 0x0001
#define TOKEN_DUPLICATE 0x0002
#define TOKEN_IMPERSONATE 0x0004
#define TOKEN_QUERY 0x0008
#define TOKEN_QUERY_SOURCE 0x0010
#define TOKEN_ADJUST_PRIVILEGES 0x0020
#define TOKEN_ADJUST_GROUPS 0x0040
#define TOKEN_ADJUST_DEFAULT 0x0080
#define TOKEN_ADJUST_SESSIONID 0x0100
#define TOKEN_READ (STANDARD_RIGHTS_READ | TOKEN_QUERY)
#define TOKEN_ALL_ACCESS (STANDARD_RIGHTS_REQUIRED | 0x01FF)

/* On Linux, privileges are capabilities: CAP_SYS_PTRACE, CAP_SYS_NICE and CAP_IPC_LOCK. */
#define SE_DEBUG_NAME TEXT("SeDebugPrivilege")
#define SE_INCREASE_QUOTA_NAME TEXT("SeIncreaseQuotaPrivilege")
#define SE_LOCK_MEMORY_NAME TEXT("SeLockMemoryPrivilege")

#define SE_PRIVILEGE_ENABLED_BY_DEFAULT 0x00000001
#define SE_PRIVILEGE_ENABLED 0x00000002
#define SE_PRIVILEGE_REMOVED 0x00000004

#define ANYSIZE_ARRAY 1

typedef struct _LUID {
    DWORD LowPart;
    LONG HighPart;
} LUID, *PLUID;

typedef struct _LUID_AND_ATTRIBUTES {
    LUID Luid;
    DWORD Attributes; /* SE_PRIVILEGE_... */
} LUID_AND_ATTRIBUTES, *PLUID_AND_ATTRIBUTES;

typedef struct _TOKEN_PRIVILEGES {
    DWORD PrivilegeCount;
    LUID_AND_ATTRIBUTES Privileges[ANYSIZE_ARRAY];
} TOKEN_PRIVILEGES, *PTOKEN_PRIVILEGES;

/* -------- error codes -------- */

#define NO_ERROR 0
#define ERROR_SUCCESS 0
#define ERROR_INVALID_FUNCTION 1
#define ERROR_FILE_NOT_FOUND 2
#define ERROR_ACCESS_DENIED 5
#define ERROR_INVALID_HANDLE 6
#define ERROR_NOT_ENOUGH_MEMORY 8
#define ERROR_NO_MORE_FILES 18
#define ERROR_BAD_LENGTH 24
#define ERROR_GEN_FAILURE 31
#define ERROR_NOT_SUPPORTED 50
#define ERROR_UNEXP_NET_ERR 59
#define ERROR_INVALID_PARAMETER 87
#define ERROR_INSUFFICIENT_BUFFER 122
#define ERROR_MOD_NOT_FOUND 126
#define ERROR_PROC_NOT_FOUND 127
#define ERROR_NOT_LOCKED 158
#define ERROR_MORE_DATA 234
#define ERROR_NO_MORE_ITEMS 259
#define ERROR_PARTIAL_COPY 299
#define ERROR_MR_MID_NOT_FOUND 317
#define ERROR_INVALID_ADDRESS 487
#define ERROR_NOACCESS 998
#define ERROR_INVALID_FLAGS 1004
#define ERROR_FILE_INVALID 1006
#define ERROR_NO_UNICODE_TRANSLATION 1113
#define ERROR_NOT_ALL_ASSIGNED 1300
#define ERROR_NO_SUCH_PRIVILEGE 1313
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
#define MEM_FREE 0x00010000
#define MEM_PRIVATE 0x00020000
#define MEM_MAPPED 0x00040000
#define MEM_IMAGE 0x01000000

typedef struct _MEMORY_BASIC_INFORMATION {
    PVOID BaseAddress;
    PVOID AllocationBase;
    DWORD AllocationProtect; /* PAGE_... */
#if UINTPTR_MAX > 0xFFFFFFFF
    WORD PartitionId;
#endif
    SIZE_T RegionSize;
    DWORD State;   /* MEM_COMMIT, MEM_RESERVE or MEM_FREE */
    DWORD Protect; /* PAGE_..., or 0 if State is MEM_RESERVE */
    DWORD Type;    /* MEM_IMAGE, MEM_MAPPED or MEM_PRIVATE; 0 if State is MEM_FREE */
} MEMORY_BASIC_INFORMATION, *PMEMORY_BASIC_INFORMATION;

/* dwLength is input. All sizes are in bytes. */
typedef struct _MEMORYSTATUSEX {
    DWORD dwLength;
    DWORD dwMemoryLoad;               /* part of physical memory in use, in percent */
    DWORDLONG ullTotalPhys;
    DWORDLONG ullAvailPhys;
    DWORDLONG ullTotalPageFile;       /* commit limit of the system or of the caller */
    DWORDLONG ullAvailPageFile;       /* memory that the caller can still commit */
    DWORDLONG ullTotalVirtual;        /* addresses of the caller */
    DWORDLONG ullAvailVirtual;
    DWORDLONG ullAvailExtendedVirtual; /* 0 */
} MEMORYSTATUSEX, *LPMEMORYSTATUSEX;

#define HEAP_NO_SERIALIZE 0x00000001
#define HEAP_GENERATE_EXCEPTIONS 0x00000004
#define HEAP_ZERO_MEMORY 0x00000008

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

/* -------- text -------- */

#define CP_ACP 0
#define CP_OEMCP 1
#define CP_THREAD_ACP 3
#define CP_UTF8 65001

#define MB_PRECOMPOSED 0x00000001
#define MB_COMPOSITE 0x00000002
#define MB_USEGLYPHCHARS 0x00000004
#define MB_ERR_INVALID_CHARS 0x00000008
#define WC_ERR_INVALID_CHARS 0x00000080
#define WC_COMPOSITECHECK 0x00000200
#define WC_NO_BEST_FIT_CHARS 0x00000400

/* -------- system -------- */

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

#define STILL_ACTIVE 259
#define WAIT_OBJECT_0 0
#define WAIT_TIMEOUT 258
#define WAIT_FAILED 0xFFFFFFFFu

#define GET_MODULE_HANDLE_EX_FLAG_PIN 0x00000001
#define GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT 0x00000002
#define GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS 0x00000004

typedef struct _IO_COUNTERS {
    ULONGLONG ReadOperationCount;
    ULONGLONG WriteOperationCount;
    ULONGLONG OtherOperationCount; /* 0 */
    ULONGLONG ReadTransferCount;   /* in bytes, as are the next two */
    ULONGLONG WriteTransferCount;
    ULONGLONG OtherTransferCount; /* 0 */
} IO_COUNTERS, *PIO_COUNTERS;

#ifdef __cplusplus
extern "C" {
#endif

/* -------- processes -------- */

/*
 * Opens a process with some of the rights above. Returns a handle, which CloseHandle closes, or
 * NULL on failure. If the process exits and its id is reused, calls with the handle fail. A handle
 * is less than 2^31, so it can be stored in an int.
 *   ERROR_INVALID_PARAMETER  no process has this id, or the id is 0
 *   ERROR_ACCESS_DENIED      the kernel denies a right; this is checked now, not on later use,
 *                            except for emptying a working set
 * On Linux, every caller gets PROCESS_QUERY_LIMITED_INFORMATION, SYNCHRONIZE and the standard
 * rights. PROCESS_TERMINATE requires permission to send signals: the same user, or CAP_KILL. All
 * other rights require permission to trace the process: the same user, or CAP_SYS_PTRACE.
 * MAXIMUM_ALLOWED grants all available rights. Programs that the caller executes do not inherit
 * handles.
 */
HANDLE WINAPI OpenProcess(DWORD dwDesiredAccess, BOOL bInheritHandle, DWORD dwProcessId);

/*
 * Closes a handle. Its value stays invalid until 2^29 more handles were opened.
 *   ERROR_INVALID_HANDLE  the handle is invalid or already closed
 */
BOOL WINAPI CloseHandle(HANDLE hObject);

/* Returns the pseudo handle (HANDLE)-1 of the calling process. It has all rights and need not be
   closed. */
HANDLE WINAPI GetCurrentProcess(void);

DWORD WINAPI GetCurrentProcessId(void);

/*
 * Returns the path of the executable of a process. *lpdwSize is the size of the buffer in
 * characters, including the NUL, and becomes the length without the NUL. dwFlags is 0 or
 * PROCESS_NAME_NATIVE; on Linux both give the same path.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  the path does not fit
 *   ERROR_GEN_FAILURE          the process has exited, or is a kernel thread
 */
BOOL WINAPI QueryFullProcessImageNameA(HANDLE hProcess, DWORD dwFlags, LPSTR lpExeName,
                                       PDWORD lpdwSize);
BOOL WINAPI QueryFullProcessImageNameW(HANDLE hProcess, DWORD dwFlags, LPWSTR lpExeName,
                                       PDWORD lpdwSize);

/*
 * Ends a process at once. The call returns before the process has ended.
 *   Rights: PROCESS_TERMINATE, which OpenProcess grants to the same user and with CAP_KILL
 *   ERROR_ACCESS_DENIED  the process has already ended
 *   ERROR_NOT_SUPPORTED  the process is a kernel thread
 * On Linux, the signal is SIGKILL, and the parent of the process sees it instead of uExitCode. If a
 * process terminates itself, its parent sees the lowest 8 bits of uExitCode.
 */
BOOL WINAPI TerminateProcess(HANDLE hProcess, UINT uExitCode);

/*
 * Waits until a process has ended. Returns WAIT_OBJECT_0, WAIT_TIMEOUT, or WAIT_FAILED on failure.
 * INFINITE waits without a limit, and 0 does not wait.
 *   Rights: SYNCHRONIZE
 */
DWORD WINAPI WaitForSingleObject(HANDLE hHandle, DWORD dwMilliseconds);

/*
 * Returns the exit code of a process, or STILL_ACTIVE while it runs.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_GEN_FAILURE    on Linux, the parent of the process has collected the code
 *   ERROR_ACCESS_DENIED  on Linux, the code of another user's process, without CAP_SYS_PTRACE
 * If this program ended the process with TerminateProcess, the code is uExitCode. If another signal
 * killed the process, the code is 128 plus the number of the signal.
 */
BOOL WINAPI GetExitCodeProcess(HANDLE hProcess, LPDWORD lpExitCode);

/*
 * Returns the id of a process, or 0 on failure.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 */
DWORD WINAPI GetProcessId(HANDLE Process);

/*
 * Returns the date when a process was created, and the CPU time of all its threads.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 * On Linux, the exit time is always 0. The resolution is 10 ms.
 */
BOOL WINAPI GetProcessTimes(HANDLE hProcess, LPFILETIME lpCreationTime, LPFILETIME lpExitTime,
                            LPFILETIME lpKernelTime, LPFILETIME lpUserTime);

/*
 * Returns the reads and writes of a process: of files, pipes, sockets and terminals.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_ACCESS_DENIED  on Linux, another user's process, without CAP_SYS_PTRACE
 */
BOOL WINAPI GetProcessIoCounters(HANDLE hProcess, PIO_COUNTERS lpIoCounters);

/*
 * Returns the number of open file descriptors of a process.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_ACCESS_DENIED  on Linux, another user's process, without CAP_SYS_PTRACE
 */
BOOL WINAPI GetProcessHandleCount(HANDLE hProcess, PDWORD pdwHandleCount);

/*
 * Returns in *Wow64Process whether a process runs a 32-bit program on a 64-bit kernel.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_ACCESS_DENIED  on Linux, another user's process, without CAP_SYS_PTRACE
 */
BOOL WINAPI IsWow64Process(HANDLE hProcess, BOOL *Wow64Process);

/*
 * Copies memory of a process. *lpNumberOfBytesRead, which is optional, becomes the number of bytes
 * copied.
 *   Rights: PROCESS_VM_READ
 *   ERROR_PARTIAL_COPY  not all of the memory is readable. The bytes before that are copied
 */
BOOL WINAPI ReadProcessMemory(HANDLE hProcess, LPCVOID lpBaseAddress, LPVOID lpBuffer, SIZE_T nSize,
                              SIZE_T *lpNumberOfBytesRead);

/* -------- privileges -------- */

/*
 * Opens the privileges of a process. CloseHandle closes the token.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_ACCESS_DENIED  TOKEN_ADJUST_PRIVILEGES for a process other than the caller
 */
BOOL WINAPI OpenProcessToken(HANDLE ProcessHandle, DWORD DesiredAccess, PHANDLE TokenHandle);

/*
 * Returns the number of a privilege. lpSystemName is NULL or empty.
 *   ERROR_NO_SUCH_PRIVILEGE  the name is not one of the SE_..._NAME above
 */
BOOL WINAPI LookupPrivilegeValueA(LPCSTR lpSystemName, LPCSTR lpName, PLUID lpLuid);
BOOL WINAPI LookupPrivilegeValueW(LPCWSTR lpSystemName, LPCWSTR lpName, PLUID lpLuid);

/*
 * Enables and disables privileges, or disables all. PreviousState, which is optional, becomes the
 * changed privileges as they were.
 *   Rights: TOKEN_ADJUST_PRIVILEGES, and TOKEN_QUERY for PreviousState
 *   ERROR_NOT_ALL_ASSIGNED     the call succeeded, but the caller lacks some of the privileges.
 *                              If it has all, a successful call sets the last error to 0
 *   ERROR_INSUFFICIENT_BUFFER  PreviousState is too small. *ReturnLength is the required size
 * On Linux, the change applies to the calling thread only, because the kernel keeps capabilities
 * per thread. SE_PRIVILEGE_REMOVED is not supported.
 */
BOOL WINAPI AdjustTokenPrivileges(HANDLE TokenHandle, BOOL DisableAllPrivileges,
                                  PTOKEN_PRIVILEGES NewState, DWORD BufferLength,
                                  PTOKEN_PRIVILEGES PreviousState, PDWORD ReturnLength);

/* -------- errors -------- */

/* Return and set the calling thread's last error: the reason why the latest failed call failed.
   Successful calls do not change it. */
DWORD WINAPI GetLastError(void);
void WINAPI SetLastError(DWORD dwErrCode);

/*
 * Writes the English text of an error code above. Returns its length in characters, or 0 on
 * failure. With FORMAT_MESSAGE_ALLOCATE_BUFFER, lpBuffer is the address of a pointer that becomes
 * the address of the text. nSize is then the minimum size of the allocation, which LocalFree frees.
 * The text ends with a line break, unless the width in dwFlags is FORMAT_MESSAGE_MAX_WIDTH_MASK.
 *   ERROR_MR_MID_NOT_FOUND         the code has no text
 *   ERROR_RESOURCE_LANG_NOT_FOUND  the language is neither LANG_NEUTRAL nor LANG_ENGLISH
 *   ERROR_INSUFFICIENT_BUFFER      the text does not fit
 *   ERROR_INVALID_PARAMETER        dwFlags has unknown flags, or nSize is too large
 *   ERROR_NOT_SUPPORTED            FORMAT_MESSAGE_FROM_STRING or FORMAT_MESSAGE_FROM_HMODULE. Only
 *                                  system messages exist, and these have no inserts
 */
DWORD WINAPI FormatMessageA(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId,
                            LPSTR lpBuffer, DWORD nSize, va_list *Arguments);
DWORD WINAPI FormatMessageW(DWORD dwFlags, LPCVOID lpSource, DWORD dwMessageId, DWORD dwLanguageId,
                            LPWSTR lpBuffer, DWORD nSize, va_list *Arguments);

/*
 * Frees memory that FormatMessage allocated. Returns NULL, or hMem on failure.
 *   ERROR_INVALID_HANDLE  FormatMessage did not allocate hMem, or it is already freed
 */
HLOCAL WINAPI LocalFree(HLOCAL hMem);

/* Write a text to standard error. Failures are not reported. */
void WINAPI OutputDebugStringA(LPCSTR lpOutputString);
void WINAPI OutputDebugStringW(LPCWSTR lpOutputString);

/* -------- text -------- */

/*
 * Convert between CHAR text and WCHAR text. All supported code pages are UTF-8. If the length of
 * the text is -1, it ends at the NUL, which is also converted. Return the length of the result. If
 * its capacity is 0, nothing is written. Invalid text becomes U+FFFD.
 *   ERROR_INSUFFICIENT_BUFFER     the result does not fit
 *   ERROR_NO_UNICODE_TRANSLATION  the text is invalid, and a ..._ERR_INVALID_CHARS flag is set
 *   ERROR_INVALID_FLAGS           dwFlags has other flags that CP_UTF8 does not allow
 *   ERROR_INVALID_PARAMETER       an unknown code page or a length of 0; with CP_UTF8 also
 *                                 lpDefaultChar or lpUsedDefaultChar, which CP_ACP allows
 */
int WINAPI MultiByteToWideChar(UINT CodePage, DWORD dwFlags, LPCSTR lpMultiByteStr,
                               int cbMultiByte, LPWSTR lpWideCharStr, int cchWideChar);
int WINAPI WideCharToMultiByte(UINT CodePage, DWORD dwFlags, LPCWSTR lpWideCharStr,
                               int cchWideChar, LPSTR lpMultiByteStr, int cbMultiByte,
                               LPCSTR lpDefaultChar, BOOL *lpUsedDefaultChar);

/* -------- modules of the calling process -------- */

/*
 * Return the base address of a module; NULL means the executable.
 *   ERROR_MOD_NOT_FOUND  no module has this name or, if the name contains a slash, this path
 * On Linux, names are case-sensitive and ".dll" is not appended. A shared library is also found by
 * its soname (libc.so.6). The names psapi.dll, kernel32.dll and advapi32.dll stand for this
 * library.
 */
HMODULE WINAPI GetModuleHandleA(LPCSTR lpModuleName);
HMODULE WINAPI GetModuleHandleW(LPCWSTR lpModuleName);

/*
 * Return the base address of a module in *phModule, or NULL on failure. With
 * GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, lpModuleName is an address in the module. Unless dwFlags
 * has UNCHANGED_REFCOUNT, the module stays loaded until a call of FreeLibrary; with PIN, for good.
 *   ERROR_MOD_NOT_FOUND      no module has this name or contains this address
 *   ERROR_INVALID_PARAMETER  invalid flags, or both PIN and UNCHANGED_REFCOUNT
 */
BOOL WINAPI GetModuleHandleExA(DWORD dwFlags, LPCSTR lpModuleName, HMODULE *phModule);
BOOL WINAPI GetModuleHandleExW(DWORD dwFlags, LPCWSTR lpModuleName, HMODULE *phModule);

/*
 * Load a library and return its base address, or NULL on failure. The names psapi.dll, kernel32.dll
 * and advapi32.dll, with or without ".dll" and in upper or lower case, stand for this library. On
 * Linux, the dynamic linker looks up all other names. They are case-sensitive, and no suffix is
 * appended.
 *   ERROR_MOD_NOT_FOUND  the dynamic linker cannot load the library
 */
HMODULE WINAPI LoadLibraryA(LPCSTR lpLibFileName);
HMODULE WINAPI LoadLibraryW(LPCWSTR lpLibFileName);

/*
 * Releases a library that LoadLibrary or GetModuleHandleEx returned, once for each of these calls.
 *   ERROR_MOD_NOT_FOUND  neither function returned hLibModule, or it is already released
 */
BOOL WINAPI FreeLibrary(HMODULE hLibModule);

/*
 * Returns the address of a function or variable that a module exports, or NULL on failure.
 *   ERROR_PROC_NOT_FOUND  the module does not export the name, or the name is an ordinal number
 *   ERROR_MOD_NOT_FOUND   no module has this base address
 */
FARPROC WINAPI GetProcAddress(HMODULE hModule, LPCSTR lpProcName);

/*
 * Write the path of a module and return its length; NULL means the executable. A path that does not
 * fit is truncated and ends with a NUL. In this case nSize is returned, and the last error is
 * ERROR_INSUFFICIENT_BUFFER.
 *   ERROR_MOD_NOT_FOUND  no module has this base address
 */
DWORD WINAPI GetModuleFileNameA(HMODULE hModule, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetModuleFileNameW(HMODULE hModule, LPWSTR lpFilename, DWORD nSize);

/* -------- time -------- */

/* Sleeps for at least this time, or forever if it is INFINITE. Signals do not shorten the sleep. */
void WINAPI Sleep(DWORD dwMilliseconds);

/* Return the milliseconds since the system started. GetTickCount wraps after 49.7 days. */
DWORD WINAPI GetTickCount(void);
ULONGLONG WINAPI GetTickCount64(void);

/* Return a counter for measuring intervals, and its units per second. On Linux it does not count
   while the system is suspended. */
BOOL WINAPI QueryPerformanceCounter(LARGE_INTEGER *lpPerformanceCount);
BOOL WINAPI QueryPerformanceFrequency(LARGE_INTEGER *lpFrequency);

/* Returns the current date and time, in UTC. */
void WINAPI GetSystemTimeAsFileTime(LPFILETIME lpSystemTimeAsFileTime);

/* Returns the CPU time of all processors since the system started. Each argument is optional. The
   kernel time includes the idle time. */
BOOL WINAPI GetSystemTimes(PFILETIME lpIdleTime, PFILETIME lpKernelTime, PFILETIME lpUserTime);

/* -------- memory of the calling process -------- */

/*
 * Reserves addresses at multiples of 64 KiB (MEM_RESERVE), or commits whole pages of a reservation
 * (MEM_COMMIT). Does both if both flags are set, or if MEM_COMMIT is set and lpAddress is NULL.
 * Committed pages are zero. Returns NULL on failure.
 *   ERROR_INVALID_PARAMETER  invalid flags or size, or an unsupported protection: PAGE_WRITECOPY,
 *                            PAGE_EXECUTE_WRITECOPY, PAGE_GUARD, PAGE_NOCACHE, PAGE_WRITECOMBINE
 *   ERROR_INVALID_ADDRESS    addresses to reserve are in use, or pages to commit are not reserved
 *   ERROR_NOT_ENOUGH_MEMORY  not enough memory or address space
 */
LPVOID WINAPI VirtualAlloc(LPVOID lpAddress, SIZE_T dwSize, DWORD flAllocationType,
                           DWORD flProtect);

/*
 * Releases a whole reservation (MEM_RELEASE; dwSize must be 0), or decommits some of its pages
 * (MEM_DECOMMIT).
 *   ERROR_INVALID_PARAMETER  invalid flags or size
 *   ERROR_INVALID_ADDRESS    VirtualAlloc did not reserve this memory
 */
BOOL WINAPI VirtualFree(LPVOID lpAddress, SIZE_T dwSize, DWORD dwFreeType);

/*
 * Changes the protection of pages, including memory from other allocators. *lpflOldProtect becomes
 * the old protection of the first page. Only pages of private file mappings can be PAGE_WRITECOPY.
 *   ERROR_INVALID_ADDRESS    some pages are not mapped or not committed
 *   ERROR_INVALID_PARAMETER  the protection is invalid for the pages
 *   ERROR_ACCESS_DENIED      the mapped file does not permit the protection
 */
BOOL WINAPI VirtualProtect(LPVOID lpAddress, SIZE_T dwSize, DWORD flNewProtect,
                           PDWORD lpflOldProtect);

/*
 * VirtualLock brings pages into the working set and keeps them there. VirtualUnlock ends that;
 * pages that were not locked are evicted from the working set at once.
 *   ERROR_NOACCESS           VirtualLock: some pages are not mapped or not accessible
 *   ERROR_WORKING_SET_QUOTA  VirtualLock: on Linux, more than RLIMIT_MEMLOCK or physical memory
 *   ERROR_NOT_LOCKED         VirtualUnlock: some pages are not locked
 */
BOOL WINAPI VirtualLock(LPVOID lpAddress, SIZE_T dwSize);
BOOL WINAPI VirtualUnlock(LPVOID lpAddress, SIZE_T dwSize);

/*
 * Describe a region of the caller or of a process: the page at lpAddress and the following pages
 * with the same attributes. Return the size of the structure, or 0 on failure.
 *   Rights of VirtualQueryEx: PROCESS_QUERY_INFORMATION
 *   ERROR_BAD_LENGTH         dwLength is less than the size of the structure
 *   ERROR_INVALID_PARAMETER  the address is above all addresses of programs
 * On Linux, private memory without any access is MEM_RESERVE, unless VirtualAlloc of the caller
 * committed it. All parts of a module are MEM_IMAGE. AllocationProtect is PAGE_EXECUTE_WRITECOPY
 * for a module, and the current protection of the first page otherwise.
 */
SIZE_T WINAPI VirtualQuery(LPCVOID lpAddress, PMEMORY_BASIC_INFORMATION lpBuffer, SIZE_T dwLength);
SIZE_T WINAPI VirtualQueryEx(HANDLE hProcess, LPCVOID lpAddress, PMEMORY_BASIC_INFORMATION lpBuffer,
                             SIZE_T dwLength);

/*
 * HeapAlloc allocates memory from the C library's heap, which GetProcessHeap returns. HeapFree
 * frees only memory from HeapAlloc.
 *   ERROR_NOT_ENOUGH_MEMORY  not enough memory
 *   ERROR_INVALID_HANDLE     hHeap is not the process's heap
 *   ERROR_INVALID_PARAMETER  invalid flags, or HeapAlloc did not allocate lpMem
 *   ERROR_NOT_SUPPORTED      HEAP_GENERATE_EXCEPTIONS
 */
HANDLE WINAPI GetProcessHeap(void);
LPVOID WINAPI HeapAlloc(HANDLE hHeap, DWORD dwFlags, SIZE_T dwBytes);
BOOL WINAPI HeapFree(HANDLE hHeap, DWORD dwFlags, LPVOID lpMem);

/* -------- system -------- */

/*
 * Returns how much memory the system and the caller have left.
 *   ERROR_INVALID_PARAMETER  dwLength is not the size of the structure
 */
BOOL WINAPI GlobalMemoryStatusEx(LPMEMORYSTATUSEX lpBuffer);

/* Return the number and type of processors, the page size, and the addresses that VirtualAlloc
   accepts. For a 32-bit program on a 64-bit kernel, GetNativeSystemInfo returns the type that the
   kernel uses. */
void WINAPI GetSystemInfo(LPSYSTEM_INFO lpSystemInfo);
void WINAPI GetNativeSystemInfo(LPSYSTEM_INFO lpSystemInfo);

/*
 * Return the device of a drive letter, or the list of all if lpDeviceName is NULL. Linux has no
 * drive letters: the list is empty, and paths need no translation.
 *   ERROR_FILE_NOT_FOUND       no device has this name
 *   ERROR_INSUFFICIENT_BUFFER  ucchMax is less than 2
 */
DWORD WINAPI QueryDosDeviceA(LPCSTR lpDeviceName, LPSTR lpTargetPath, DWORD ucchMax);
DWORD WINAPI QueryDosDeviceW(LPCWSTR lpDeviceName, LPWSTR lpTargetPath, DWORD ucchMax);

#ifdef __cplusplus
}
#endif

#ifdef UNICODE
#define QueryFullProcessImageName QueryFullProcessImageNameW
#define FormatMessage FormatMessageW
#define GetModuleHandle GetModuleHandleW
#define GetModuleHandleEx GetModuleHandleExW
#define GetModuleFileName GetModuleFileNameW
#define LoadLibrary LoadLibraryW
#define LookupPrivilegeValue LookupPrivilegeValueW
#define OutputDebugString OutputDebugStringW
#define QueryDosDevice QueryDosDeviceW
#else
#define QueryFullProcessImageName QueryFullProcessImageNameA
#define FormatMessage FormatMessageA
#define GetModuleHandle GetModuleHandleA
#define GetModuleHandleEx GetModuleHandleExA
#define GetModuleFileName GetModuleFileNameA
#define LoadLibrary LoadLibraryA
#define LookupPrivilegeValue LookupPrivilegeValueA
#define OutputDebugString OutputDebugStringA
#define QueryDosDevice QueryDosDeviceA
#endif

#endif
