/*
 * psapi.h: the Process Status API.
 *
 * A function that returns a BOOL returns 0 on failure; one that returns a length, which never counts
 * the NUL, 0 likewise. GetLastError() tells why. Arguments are checked in this order: handle, right,
 * length of the buffer, buffer. For every function:
 *   ERROR_INVALID_HANDLE   the handle is none, or was closed
 *   ERROR_ACCESS_DENIED    it was opened without a right that the function needs, or the kernel
 *                          has come to refuse
 *   ERROR_NOACCESS         a buffer is not where the pointer says, or may not be written to
 *   ERROR_GEN_FAILURE      the process has ended: its counters and its image's name are gone
 *   ERROR_PARTIAL_COPY     the process has ended, or is a thread of the kernel, which has no memory
 *                          of its own: there are no modules, no pages
 *   ERROR_NOT_SUPPORTED    this kernel can't
 * "cb" is in bytes; "nSize" of a name is in characters, the NUL included.
 *
 * On Linux every name is a path, or the base name of one: UTF-8 in the A form, byte for byte as
 * the kernel has it; UTF-16 in the W form, with U+FFFD for what is no Unicode text.
 *
 * Every function is there under a second name, K32EnumProcesses and so on, to which the plain name
 * leads unless PSAPI_VERSION is 1. Both do the same.
 */
#ifndef PSAPI_PSAPI_H
#define PSAPI_PSAPI_H

#include "windows.h"

#ifndef PSAPI_VERSION
#define PSAPI_VERSION 2
#endif

#if PSAPI_VERSION > 1
#define EnumProcesses K32EnumProcesses
#define EnumProcessModules K32EnumProcessModules
#define EnumProcessModulesEx K32EnumProcessModulesEx
#define GetModuleBaseNameA K32GetModuleBaseNameA
#define GetModuleBaseNameW K32GetModuleBaseNameW
#define GetModuleFileNameExA K32GetModuleFileNameExA
#define GetModuleFileNameExW K32GetModuleFileNameExW
#define GetModuleInformation K32GetModuleInformation
#define EnumDeviceDrivers K32EnumDeviceDrivers
#define GetDeviceDriverBaseNameA K32GetDeviceDriverBaseNameA
#define GetDeviceDriverBaseNameW K32GetDeviceDriverBaseNameW
#define GetDeviceDriverFileNameA K32GetDeviceDriverFileNameA
#define GetDeviceDriverFileNameW K32GetDeviceDriverFileNameW
#define GetMappedFileNameA K32GetMappedFileNameA
#define GetMappedFileNameW K32GetMappedFileNameW
#define GetProcessImageFileNameA K32GetProcessImageFileNameA
#define GetProcessImageFileNameW K32GetProcessImageFileNameW
#define GetProcessMemoryInfo K32GetProcessMemoryInfo
#define QueryWorkingSet K32QueryWorkingSet
#define QueryWorkingSetEx K32QueryWorkingSetEx
#define InitializeProcessForWsWatch K32InitializeProcessForWsWatch
#define GetWsChanges K32GetWsChanges
#define GetWsChangesEx K32GetWsChangesEx
#define EmptyWorkingSet K32EmptyWorkingSet
#define EnumPageFilesA K32EnumPageFilesA
#define EnumPageFilesW K32EnumPageFilesW
#define GetPerformanceInfo K32GetPerformanceInfo
#endif

#ifdef UNICODE
#define GetModuleBaseName GetModuleBaseNameW
#define GetModuleFileNameEx GetModuleFileNameExW
#define GetDeviceDriverBaseName GetDeviceDriverBaseNameW
#define GetDeviceDriverFileName GetDeviceDriverFileNameW
#define GetMappedFileName GetMappedFileNameW
#define GetProcessImageFileName GetProcessImageFileNameW
#define EnumPageFiles EnumPageFilesW
#define PENUM_PAGE_FILE_CALLBACK PENUM_PAGE_FILE_CALLBACKW
#else
#define GetModuleBaseName GetModuleBaseNameA
#define GetModuleFileNameEx GetModuleFileNameExA
#define GetDeviceDriverBaseName GetDeviceDriverBaseNameA
#define GetDeviceDriverFileName GetDeviceDriverFileNameA
#define GetMappedFileName GetMappedFileNameA
#define GetProcessImageFileName GetProcessImageFileNameA
#define EnumPageFiles EnumPageFilesA
#define PENUM_PAGE_FILE_CALLBACK PENUM_PAGE_FILE_CALLBACKA
#endif

/* Which modules EnumProcessModulesEx lists, by their class. The default is all. */
#define LIST_MODULES_DEFAULT 0x00
#define LIST_MODULES_32BIT 0x01
#define LIST_MODULES_64BIT 0x02
#define LIST_MODULES_ALL (LIST_MODULES_32BIT | LIST_MODULES_64BIT)

#ifdef __cplusplus
extern "C" {
#endif

/* -------- structures -------- */

typedef struct _MODULEINFO {
    LPVOID lpBaseOfDll; /* where it begins: its handle */
    DWORD SizeOfImage;  /* bytes from its first to its last page */
    LPVOID EntryPoint;  /* NULL: it has none */
} MODULEINFO, *LPMODULEINFO;

/* In bytes but for cb and the faults. Of these Linux keeps the peak of the working set alone: what
   else is called a peak is what there is now. It pages no memory of the kernel: the paged pool is 0. */
typedef struct _PROCESS_MEMORY_COUNTERS {
    DWORD cb;                         /* how much of the structure was filled */
    DWORD PageFaultCount;             /* soft and hard, modulo 2^32 */
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;   /* 0 */
    SIZE_T QuotaPagedPoolUsage;       /* 0 */
    SIZE_T QuotaPeakNonPagedPoolUsage; /* as the next one */
    SIZE_T QuotaNonPagedPoolUsage;    /* page tables, and stacks of its threads in the kernel */
    SIZE_T PagefileUsage;             /* commit charge: private writable memory, touched or not */
    SIZE_T PeakPagefileUsage;         /* as PagefileUsage */
} PROCESS_MEMORY_COUNTERS, *PPROCESS_MEMORY_COUNTERS;

typedef struct _PROCESS_MEMORY_COUNTERS_EX {
    DWORD cb;
    DWORD PageFaultCount;
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;
    SIZE_T QuotaPagedPoolUsage;
    SIZE_T QuotaPeakNonPagedPoolUsage;
    SIZE_T QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage;
    SIZE_T PeakPagefileUsage;
    SIZE_T PrivateUsage; /* as PagefileUsage */
} PROCESS_MEMORY_COUNTERS_EX, *PPROCESS_MEMORY_COUNTERS_EX;

typedef struct _PROCESS_MEMORY_COUNTERS_EX2 {
    DWORD cb;
    DWORD PageFaultCount;
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;
    SIZE_T QuotaPagedPoolUsage;
    SIZE_T QuotaPeakNonPagedPoolUsage;
    SIZE_T QuotaNonPagedPoolUsage;
    SIZE_T PagefileUsage;
    SIZE_T PeakPagefileUsage;
    SIZE_T PrivateUsage;
    SIZE_T PrivateWorkingSetSize; /* resident memory with no file behind it */
    ULONG64 SharedCommitUsage;    /* resident shared memory */
} PROCESS_MEMORY_COUNTERS_EX2, *PPROCESS_MEMORY_COUNTERS_EX2;

/* What is said of a page that is shared (as of a file): by how many processes is told to who has
   CAP_SYS_ADMIN, up to 7; others are told 1, or 2 for "more than one". */
typedef union _PSAPI_WORKING_SET_BLOCK {
    ULONG_PTR Flags;
    __extension__ struct {
        /* 0 no access, 1 read-only, 2 execute, 3 execute and read, 4 read and write, 5 copy on
           write, 6 execute, read and write, 7 execute, copy on write. On Linux nothing is added
           for what is not cached. */
        ULONG_PTR Protection : 5;
        ULONG_PTR ShareCount : 3; /* 0: not shareable */
        ULONG_PTR Shared : 1;     /* shareable */
        ULONG_PTR Reserved : 3;
#if UINTPTR_MAX > 0xFFFFFFFFu
        ULONG_PTR VirtualPage : 52; /* its address without the last 12 bits, whatever a page is */
#else
        ULONG_PTR VirtualPage : 20;
#endif
    };
} PSAPI_WORKING_SET_BLOCK, *PPSAPI_WORKING_SET_BLOCK;

typedef struct _PSAPI_WORKING_SET_INFORMATION {
    ULONG_PTR NumberOfEntries;
    PSAPI_WORKING_SET_BLOCK WorkingSetInfo[1]; /* as many as there are */
} PSAPI_WORKING_SET_INFORMATION, *PPSAPI_WORKING_SET_INFORMATION;

typedef union _PSAPI_WORKING_SET_EX_BLOCK {
    ULONG_PTR Flags;
    __extension__ union {
        __extension__ struct {
            ULONG_PTR Valid : 1;            /* resident, and may be used; else see Invalid */
            ULONG_PTR ShareCount : 3;       /* as in PSAPI_WORKING_SET_BLOCK */
            ULONG_PTR Win32Protection : 11; /* PAGE_READONLY and so on */
            ULONG_PTR Shared : 1;
            ULONG_PTR Node : 6; /* of NUMA; at most 63 */
            ULONG_PTR Locked : 1;
            ULONG_PTR LargePage : 1; /* part of a huge page, also of a transparent one */
            ULONG_PTR Reserved : 7;
            ULONG_PTR Bad : 1; /* the memory is broken; told to who has CAP_SYS_ADMIN */
#if UINTPTR_MAX > 0xFFFFFFFFu
            ULONG_PTR ReservedUlong : 32;
#endif
        };
        __extension__ struct {
            ULONG_PTR Valid : 1; /* 0 */
            ULONG_PTR Reserved0 : 14;
            ULONG_PTR Shared : 1;
            ULONG_PTR Reserved1 : 15;
            ULONG_PTR Bad : 1;
#if UINTPTR_MAX > 0xFFFFFFFFu
            ULONG_PTR ReservedUlong : 32;
#endif
        } Invalid;
    };
} PSAPI_WORKING_SET_EX_BLOCK, *PPSAPI_WORKING_SET_EX_BLOCK;

typedef struct _PSAPI_WORKING_SET_EX_INFORMATION {
    PVOID VirtualAddress;
    PSAPI_WORKING_SET_EX_BLOCK VirtualAttributes;
} PSAPI_WORKING_SET_EX_INFORMATION, *PPSAPI_WORKING_SET_EX_INFORMATION;

/* The last one of a delivery has a FaultingPc of NULL; its FaultingVa is how many were lost. */
typedef struct _PSAPI_WS_WATCH_INFORMATION {
    LPVOID FaultingPc; /* the instruction */
    LPVOID FaultingVa; /* what it touched */
} PSAPI_WS_WATCH_INFORMATION, *PPSAPI_WS_WATCH_INFORMATION;

typedef struct _PSAPI_WS_WATCH_INFORMATION_EX {
    PSAPI_WS_WATCH_INFORMATION BasicInfo;
    ULONG_PTR FaultingThreadId;
    ULONG_PTR Flags; /* on Linux bit 0: something had to be read for it (a hard fault) */
} PSAPI_WS_WATCH_INFORMATION_EX, *PPSAPI_WS_WATCH_INFORMATION_EX;

/* In pages. */
typedef struct _ENUM_PAGE_FILE_INFORMATION {
    DWORD cb;
    DWORD Reserved;
    SIZE_T TotalSize;
    SIZE_T TotalInUse;
    SIZE_T PeakUsage; /* on Linux as TotalInUse: the kernel keeps no peak */
} ENUM_PAGE_FILE_INFORMATION, *PENUM_PAGE_FILE_INFORMATION;

typedef BOOL(CALLBACK *PENUM_PAGE_FILE_CALLBACKA)(LPVOID pContext,
                                                  PENUM_PAGE_FILE_INFORMATION pPageFileInfo,
                                                  LPCSTR lpFilename);
typedef BOOL(CALLBACK *PENUM_PAGE_FILE_CALLBACKW)(LPVOID pContext,
                                                  PENUM_PAGE_FILE_INFORMATION pPageFileInfo,
                                                  LPCWSTR lpFilename);

/* In pages of PageSize bytes but for cb and the three counts. */
typedef struct _PERFORMANCE_INFORMATION {
    DWORD cb;
    SIZE_T CommitTotal;
    SIZE_T CommitLimit;       /* holds only where vm.overcommit_memory is 2 */
    SIZE_T CommitPeak;        /* on Linux the most that the caller has been told by this function */
    SIZE_T PhysicalTotal;
    SIZE_T PhysicalAvailable; /* what can be had without paging out */
    SIZE_T SystemCache;
    SIZE_T KernelTotal;
    SIZE_T KernelPaged;       /* on Linux what the kernel can give back: it pages nothing out */
    SIZE_T KernelNonpaged;
    SIZE_T PageSize;          /* bytes */
    DWORD HandleCount;        /* open files of the system */
    DWORD ProcessCount;
    DWORD ThreadCount;
} PERFORMANCE_INFORMATION, *PPERFORMANCE_INFORMATION, PERFORMACE_INFORMATION,
    *PPERFORMACE_INFORMATION;

/* -------- processes -------- */

/*
 * The ids of all processes, as many as fit. *lpcbNeeded becomes the bytes written: where that is
 * cb there may be more.
 *   Rights: none
 * On Linux: threads of the kernel are processes, too. What the caller's proc file system hides
 * (another PID namespace, hidepid) is not there.
 */
BOOL WINAPI EnumProcesses(DWORD *lpidProcess, DWORD cb, LPDWORD lpcbNeeded);

/*
 * The path of the file that a process runs.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  it does not fit
 *   ERROR_GEN_FAILURE          a thread of the kernel has none
 * On Linux: a path as others have it, not that of a device. Another user's takes the right to trace it.
 */
DWORD WINAPI GetProcessImageFileNameA(HANDLE hProcess, LPSTR lpImageFileName, DWORD nSize);
DWORD WINAPI GetProcessImageFileNameW(HANDLE hProcess, LPWSTR lpImageFileName, DWORD nSize);

/* -------- modules -------- */

/*
 * The modules of a process, as many as fit: its executable first, the others as they were loaded.
 * *lpcbNeeded becomes the bytes that all take: what is more than cb was not written. A cb of 0 asks
 * for just that.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_INVALID_PARAMETER  a dwFilterFlag other than LIST_MODULES_...
 * On Linux: an ELF image is a module, [vdso] one, too. A process of either class sees all.
 */
BOOL WINAPI EnumProcessModules(HANDLE hProcess, HMODULE *lphModule, DWORD cb, LPDWORD lpcbNeeded);
BOOL WINAPI EnumProcessModulesEx(HANDLE hProcess, HMODULE *lphModule, DWORD cb, LPDWORD lpcbNeeded,
                                 DWORD dwFilterFlag);

/*
 * The base name and the path of a module, NULL being the executable. What does not fit is cut off
 * and ends with NUL; nSize is returned then.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_INVALID_HANDLE  no module of the process begins there
 */
DWORD WINAPI GetModuleBaseNameA(HANDLE hProcess, HMODULE hModule, LPSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetModuleBaseNameW(HANDLE hProcess, HMODULE hModule, LPWSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetModuleFileNameExA(HANDLE hProcess, HMODULE hModule, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetModuleFileNameExW(HANDLE hProcess, HMODULE hModule, LPWSTR lpFilename, DWORD nSize);

/*
 * Where a module is, and where it starts.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_INSUFFICIENT_BUFFER  cb is too small
 *   ERROR_INVALID_HANDLE       no module of the process begins there
 */
BOOL WINAPI GetModuleInformation(HANDLE hProcess, HMODULE hModule, LPMODULEINFO lpmodinfo,
                                 DWORD cb);

/* -------- device drivers -------- */

/*
 * Where the kernel and its loaded modules begin, the kernel first. *lpcbNeeded as with
 * EnumProcessModules.
 *   Rights: none
 * On Linux: who may not know the addresses (kernel.kptr_restrict, no CAP_SYSLOG) gets small values
 * that stand for them, good for the functions below as long as the caller runs. Drivers that are
 * part of the kernel are not listed apart.
 */
BOOL WINAPI EnumDeviceDrivers(LPVOID *lpImageBase, DWORD cb, LPDWORD lpcbNeeded);

/*
 * The base name and the path of a driver.
 *   Rights: none
 *   ERROR_INVALID_HANDLE       no driver begins there
 *   ERROR_INSUFFICIENT_BUFFER  it does not fit
 * On Linux: the bare name of a driver whose file is not in /lib/modules (or of a kernel not in /boot).
 */
DWORD WINAPI GetDeviceDriverBaseNameA(LPVOID ImageBase, LPSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetDeviceDriverBaseNameW(LPVOID ImageBase, LPWSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetDeviceDriverFileNameA(LPVOID ImageBase, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetDeviceDriverFileNameW(LPVOID ImageBase, LPWSTR lpFilename, DWORD nSize);

/* -------- memory-mapped files -------- */

/*
 * The path of the file that is mapped where an address is, at its beginning or inside. What does not
 * fit is cut off and ends with NUL; nSize is returned then.
 *   Rights: PROCESS_QUERY_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  nSize is 0
 *   ERROR_INVALID_PARAMETER    lpFilename is NULL
 *   ERROR_UNEXP_NET_ERR        there is nothing mapped, or private memory
 *   ERROR_FILE_INVALID         shared memory with no file behind it
 * On Linux: a path as others have it, not that of a device.
 */
DWORD WINAPI GetMappedFileNameA(HANDLE hProcess, LPVOID lpv, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetMappedFileNameW(HANDLE hProcess, LPVOID lpv, LPWSTR lpFilename, DWORD nSize);

/* -------- process memory usage -------- */

/*
 * Counters of a process's memory. cb says which of the three structures there is room for: hand over
 * the address of a longer one as PPROCESS_MEMORY_COUNTERS.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  cb is less than the first of them
 */
BOOL WINAPI GetProcessMemoryInfo(HANDLE Process, PPROCESS_MEMORY_COUNTERS ppsmemCounters, DWORD cb);

/* -------- working sets -------- */

/*
 * All resident pages of a process, in ascending order, as a PSAPI_WORKING_SET_INFORMATION.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_BAD_LENGTH  they do not fit: NumberOfEntries alone is set, to how many there were; have room
 *                     for some more, since the working set goes on to change
 * On Linux: the zero page, mapped where something was read that never was written, is resident, too,
 * but not counted by WorkingSetSize.
 */
BOOL WINAPI QueryWorkingSet(HANDLE hProcess, PVOID pv, DWORD cb);

/*
 * An answer for every PSAPI_WORKING_SET_EX_INFORMATION of an array, in place: VirtualAddress is given,
 * any address inside a page; VirtualAttributes is told.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_BAD_LENGTH  cb is less than one of them
 */
BOOL WINAPI QueryWorkingSetEx(HANDLE hProcess, PVOID pv, DWORD cb);

/*
 * Takes as many pages out of a process's working set as the system allows.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION and PROCESS_SET_QUOTA
 * On Linux: private memory leaves only where there is swap; what is locked or used by others stays.
 */
BOOL WINAPI EmptyWorkingSet(HANDLE hProcess);

/*
 * Starts to record the pages that come into a process's working set, or starts anew with an empty record.
 * Lasts as long as there is a handle of the process.
 *   Rights: PROCESS_QUERY_INFORMATION
 *   ERROR_ACCESS_DENIED  also: kernel.perf_event_paranoid does not allow it without CAP_PERFMON
 * On Linux: a page that a fault brings in is recorded. Pages that come with no fault of their own
 * (neighbours that the kernel maps along, MAP_POPULATE, mlock) are not; nor, with
 * perf_event_paranoid at 2 and no CAP_PERFMON, are faults inside of system calls.
 */
BOOL WINAPI InitializeProcessForWsWatch(HANDLE hProcess);

/*
 * All that was recorded since the last call, and a last entry that says how much was lost.
 *   Rights: PROCESS_QUERY_INFORMATION
 *   ERROR_INVALID_PARAMETER    nothing is being recorded
 *   ERROR_INSUFFICIENT_BUFFER  it does not fit; nothing is delivered, nor lost: call again with more
 *                              room. GetWsChangesEx puts how much is needed in *cb
 *   ERROR_NO_MORE_ITEMS        another thread is in here, for the same process
 */
BOOL WINAPI GetWsChanges(HANDLE hProcess, PPSAPI_WS_WATCH_INFORMATION lpWatchInfo, DWORD cb);
BOOL WINAPI GetWsChangesEx(HANDLE hProcess, PPSAPI_WS_WATCH_INFORMATION_EX lpWatchInfoEx,
                           PDWORD cb);

/* -------- the system -------- */

/*
 * Calls back for every page file, until the callback returns FALSE, which is no failure. There are no
 * calls where there is none.
 *   Rights: none
 * On Linux: a swap area is a page file, also one that is a device.
 */
BOOL WINAPI EnumPageFilesA(PENUM_PAGE_FILE_CALLBACKA pCallBackRoutine, LPVOID pContext);
BOOL WINAPI EnumPageFilesW(PENUM_PAGE_FILE_CALLBACKW pCallBackRoutine, LPVOID pContext);

/*
 * How the system is doing.
 *   Rights: none
 *   ERROR_BAD_LENGTH  cb is too small
 */
BOOL WINAPI GetPerformanceInfo(PPERFORMANCE_INFORMATION pPerformanceInformation, DWORD cb);

#ifdef __cplusplus
}
#endif

#endif
