/*
 * psapi.h: the Process Status API.
 *
 * Functions that return BOOL return 0 on failure. Functions that return the length of a name, which
 * never includes the NUL, also return 0 on failure. GetLastError() returns the reason. Arguments
 * are checked in this order: handle, access right, length of the buffer, buffer. Every function can
 * fail with:
 *   ERROR_INVALID_HANDLE   the handle is invalid or closed
 *   ERROR_ACCESS_DENIED    the handle lacks a required right, or the kernel now denies access
 *   ERROR_NOACCESS         a pointer is invalid, or its memory is not writable
 *   ERROR_GEN_FAILURE      the process has exited, so its counters and image name are gone
 *   ERROR_PARTIAL_COPY     the process has exited, or is a kernel thread: it has no address space
 *                          and so no modules and no pages
 *   ERROR_NOT_SUPPORTED    not supported by this kernel
 * "cb" is a size in bytes. "nSize" is the size of a name buffer in characters, including the NUL.
 *
 * On Linux every name is a path or the base name of a path. The A form returns the kernel's bytes,
 * normally UTF-8. The W form returns UTF-16, with U+FFFD in place of invalid UTF-8.
 *
 * Every function also exists under a second name, for example K32EnumProcesses. The plain names are
 * macros for these unless PSAPI_VERSION is 1. Both names have the same effect.
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

/* The ELF class of the modules that EnumProcessModulesEx lists. The default is both classes. */
#define LIST_MODULES_DEFAULT 0x00
#define LIST_MODULES_32BIT 0x01
#define LIST_MODULES_64BIT 0x02
#define LIST_MODULES_ALL (LIST_MODULES_32BIT | LIST_MODULES_64BIT)

#ifdef __cplusplus
extern "C" {
#endif

/* -------- structures -------- */

typedef struct _MODULEINFO {
    LPVOID lpBaseOfDll; /* the base address, which is also the module's handle */
    DWORD SizeOfImage;  /* bytes from the start of the first page to the end of the last */
    LPVOID EntryPoint;  /* NULL if the module has no entry point */
} MODULEINFO, *LPMODULEINFO;

/* All sizes are in bytes. Linux records only the peak of the working set; the other peaks are the
   highest values that the calling process has read. Linux does not page kernel memory, so the paged
   pool is 0. */
typedef struct _PROCESS_MEMORY_COUNTERS {
    DWORD cb;                         /* the size of the structure that was filled */
    DWORD PageFaultCount;             /* minor and major faults, modulo 2^32 */
    SIZE_T PeakWorkingSetSize;
    SIZE_T WorkingSetSize;
    SIZE_T QuotaPeakPagedPoolUsage;   /* 0 */
    SIZE_T QuotaPagedPoolUsage;       /* 0 */
    SIZE_T QuotaPeakNonPagedPoolUsage;
    SIZE_T QuotaNonPagedPoolUsage;    /* page tables and kernel stacks of all threads */
    SIZE_T PagefileUsage;             /* commit charge: private writable memory, even if unused */
    SIZE_T PeakPagefileUsage;
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
    SIZE_T PrivateUsage; /* equal to PagefileUsage */
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
    SIZE_T PrivateWorkingSetSize; /* resident anonymous memory */
    ULONG64 SharedCommitUsage;    /* resident shared memory */
} PROCESS_MEMORY_COUNTERS_EX2, *PPROCESS_MEMORY_COUNTERS_EX2;

/* ShareCount counts the mappings of a shareable page, such as a page of a file, up to 7. Exact
   counts require CAP_SYS_ADMIN and, for users other than root, CAP_DAC_READ_SEARCH. Without these,
   1 means one mapping and 2 means more than one. */
typedef union _PSAPI_WORKING_SET_BLOCK {
    ULONG_PTR Flags;
    __extension__ struct {
        /* 0 no access, 1 read-only, 2 execute, 3 execute and read, 4 read and write, 5 copy-on-
           write, 6 execute, read and write, 7 execute and copy-on-write. Linux never sets the bits
           for guard pages and uncached pages. */
        ULONG_PTR Protection : 5;
        ULONG_PTR ShareCount : 3; /* 0 if the page is not shareable */
        ULONG_PTR Shared : 1;     /* 1 if the page is shareable */
        ULONG_PTR Reserved : 3;
#if UINTPTR_MAX > 0xFFFFFFFFu
        ULONG_PTR VirtualPage : 52; /* address bits 12 and up, whatever the page size */
#else
        ULONG_PTR VirtualPage : 20;
#endif
    };
} PSAPI_WORKING_SET_BLOCK, *PPSAPI_WORKING_SET_BLOCK;

typedef struct _PSAPI_WORKING_SET_INFORMATION {
    ULONG_PTR NumberOfEntries;
    PSAPI_WORKING_SET_BLOCK WorkingSetInfo[1]; /* NumberOfEntries blocks */
} PSAPI_WORKING_SET_INFORMATION, *PPSAPI_WORKING_SET_INFORMATION;

typedef union _PSAPI_WORKING_SET_EX_BLOCK {
    ULONG_PTR Flags;
    __extension__ union {
        __extension__ struct {
            ULONG_PTR Valid : 1;            /* 1: resident and accessible; 0: see Invalid */
            ULONG_PTR ShareCount : 3;       /* as in PSAPI_WORKING_SET_BLOCK */
            ULONG_PTR Win32Protection : 11; /* PAGE_READONLY and so on */
            ULONG_PTR Shared : 1;
            ULONG_PTR Node : 6; /* NUMA node, at most 63 */
            ULONG_PTR Locked : 1;
            ULONG_PTR LargePage : 1; /* part of a huge page, transparent or hugetlb */
            ULONG_PTR Reserved : 7;
            ULONG_PTR Bad : 1; /* hardware memory error; requires CAP_SYS_ADMIN */
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

/* A page fault. The last entry of a delivery has a FaultingPc of NULL, and its FaultingVa is the
   number of lost faults. */
typedef struct _PSAPI_WS_WATCH_INFORMATION {
    LPVOID FaultingPc; /* address of the instruction */
    LPVOID FaultingVa; /* address that it accessed */
} PSAPI_WS_WATCH_INFORMATION, *PPSAPI_WS_WATCH_INFORMATION;

typedef struct _PSAPI_WS_WATCH_INFORMATION_EX {
    PSAPI_WS_WATCH_INFORMATION BasicInfo;
    ULONG_PTR FaultingThreadId;
    ULONG_PTR Flags; /* on Linux, bit 0: major fault, which required reading data */
} PSAPI_WS_WATCH_INFORMATION_EX, *PPSAPI_WS_WATCH_INFORMATION_EX;

/* All sizes are in pages. */
typedef struct _ENUM_PAGE_FILE_INFORMATION {
    DWORD cb;
    DWORD Reserved;
    SIZE_T TotalSize;
    SIZE_T TotalInUse;
    SIZE_T PeakUsage; /* on Linux, the highest TotalInUse that this process has read */
} ENUM_PAGE_FILE_INFORMATION, *PENUM_PAGE_FILE_INFORMATION;

typedef BOOL(CALLBACK *PENUM_PAGE_FILE_CALLBACKA)(LPVOID pContext,
                                                  PENUM_PAGE_FILE_INFORMATION pPageFileInfo,
                                                  LPCSTR lpFilename);
typedef BOOL(CALLBACK *PENUM_PAGE_FILE_CALLBACKW)(LPVOID pContext,
                                                  PENUM_PAGE_FILE_INFORMATION pPageFileInfo,
                                                  LPCWSTR lpFilename);

/* All sizes except cb and PageSize are in pages. */
typedef struct _PERFORMANCE_INFORMATION {
    DWORD cb;
    SIZE_T CommitTotal;
    SIZE_T CommitLimit;       /* RAM and page files, or the kernel's limit if it enforces that */
    SIZE_T CommitPeak;        /* on Linux, the highest CommitTotal that this process has read */
    SIZE_T PhysicalTotal;
    SIZE_T PhysicalAvailable; /* available without paging out */
    SIZE_T SystemCache;
    SIZE_T KernelTotal;
    SIZE_T KernelPaged;       /* on Linux, reclaimable slabs: kernel memory is never paged out */
    SIZE_T KernelNonpaged;
    SIZE_T PageSize;          /* in bytes */
    DWORD HandleCount;        /* open files in the whole system */
    DWORD ProcessCount;
    DWORD ThreadCount;
} PERFORMANCE_INFORMATION, *PPERFORMANCE_INFORMATION, PERFORMACE_INFORMATION,
    *PPERFORMACE_INFORMATION;

/* -------- processes -------- */

/*
 * Lists the ids of all processes, as many as fit. *lpcbNeeded becomes the number of bytes written;
 * if it equals cb, there might be more processes.
 *   Rights: none
 * On Linux, kernel threads are listed as processes. Processes that the caller's /proc hides (other
 * PID namespaces, hidepid) are not listed.
 */
BOOL WINAPI EnumProcesses(DWORD *lpidProcess, DWORD cb, LPDWORD lpcbNeeded);

/*
 * Returns the path of the executable of a process.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  the path does not fit
 *   ERROR_GEN_FAILURE          the process is a kernel thread, which has no executable
 * On Linux this is an ordinary path instead of a device path. For processes of other users, the
 * caller needs the permission to trace them.
 */
DWORD WINAPI GetProcessImageFileNameA(HANDLE hProcess, LPSTR lpImageFileName, DWORD nSize);
DWORD WINAPI GetProcessImageFileNameW(HANDLE hProcess, LPWSTR lpImageFileName, DWORD nSize);

/* -------- modules -------- */

/*
 * Lists the modules of a process, as many as fit: the executable first, then the others in load
 * order. *lpcbNeeded becomes the size of the complete list, which can exceed cb. To query only this
 * size, pass a cb of 0.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_INVALID_PARAMETER  dwFilterFlag is not a LIST_MODULES_... value
 *   ERROR_PARTIAL_COPY       the process has no modules, or has unmapped its executable
 * On Linux, ELF images are modules, including [vdso]. Callers of either ELF class can list the
 * modules of both classes.
 */
BOOL WINAPI EnumProcessModules(HANDLE hProcess, HMODULE *lphModule, DWORD cb, LPDWORD lpcbNeeded);
BOOL WINAPI EnumProcessModulesEx(HANDLE hProcess, HMODULE *lphModule, DWORD cb, LPDWORD lpcbNeeded,
                                 DWORD dwFilterFlag);

/*
 * Return the base name and the path of a module; NULL means the executable. A name that does not
 * fit is truncated and ends with a NUL. In this case nSize is returned.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_INVALID_HANDLE  no module of the process has this base address
 */
DWORD WINAPI GetModuleBaseNameA(HANDLE hProcess, HMODULE hModule, LPSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetModuleBaseNameW(HANDLE hProcess, HMODULE hModule, LPWSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetModuleFileNameExA(HANDLE hProcess, HMODULE hModule, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetModuleFileNameExW(HANDLE hProcess, HMODULE hModule, LPWSTR lpFilename, DWORD nSize);

/*
 * Returns the base address, the size and the entry point of a module.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_INSUFFICIENT_BUFFER  cb is too small
 *   ERROR_INVALID_HANDLE       no module of the process has this base address
 */
BOOL WINAPI GetModuleInformation(HANDLE hProcess, HMODULE hModule, LPMODULEINFO lpmodinfo,
                                 DWORD cb);

/* -------- device drivers -------- */

/*
 * Lists the load addresses of the kernel and its loaded modules, the kernel first. *lpcbNeeded
 * becomes the size of the complete list, as in EnumProcessModules.
 *   Rights: none
 * On Linux, the kernel can hide the addresses (kernel.kptr_restrict without CAP_SYSLOG). Small
 * numbers then replace them. The functions below accept these numbers while the calling process
 * runs. Drivers that are built into the kernel are not listed.
 */
BOOL WINAPI EnumDeviceDrivers(LPVOID *lpImageBase, DWORD cb, LPDWORD lpcbNeeded);

/*
 * Return the base name and the path of a driver.
 *   Rights: none
 *   ERROR_INVALID_HANDLE       no driver has this load address
 *   ERROR_INSUFFICIENT_BUFFER  the name does not fit
 * On Linux, if the driver's file is not in /lib/modules, or the kernel's not in /boot, both return
 * the kernel's name for it.
 */
DWORD WINAPI GetDeviceDriverBaseNameA(LPVOID ImageBase, LPSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetDeviceDriverBaseNameW(LPVOID ImageBase, LPWSTR lpBaseName, DWORD nSize);
DWORD WINAPI GetDeviceDriverFileNameA(LPVOID ImageBase, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetDeviceDriverFileNameW(LPVOID ImageBase, LPWSTR lpFilename, DWORD nSize);

/* -------- memory-mapped files -------- */

/*
 * Returns the path of the file whose mapping contains an address. A path that does not fit is
 * truncated and ends with a NUL. In this case nSize is returned.
 *   Rights: PROCESS_QUERY_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  nSize is 0
 *   ERROR_INVALID_PARAMETER    lpFilename is NULL
 *   ERROR_UNEXP_NET_ERR        nothing is mapped at the address, or only private memory
 *   ERROR_FILE_INVALID         the address is in shared memory that is not backed by a file
 * On Linux this is an ordinary path instead of a device path.
 */
DWORD WINAPI GetMappedFileNameA(HANDLE hProcess, LPVOID lpv, LPSTR lpFilename, DWORD nSize);
DWORD WINAPI GetMappedFileNameW(HANDLE hProcess, LPVOID lpv, LPWSTR lpFilename, DWORD nSize);

/* -------- process memory usage -------- */

/*
 * Returns the memory counters of a process. cb selects the largest of the three structures that
 * fits. Cast the address of a larger structure to PPROCESS_MEMORY_COUNTERS.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION
 *   ERROR_INSUFFICIENT_BUFFER  cb is less than the size of PROCESS_MEMORY_COUNTERS
 */
BOOL WINAPI GetProcessMemoryInfo(HANDLE Process, PPROCESS_MEMORY_COUNTERS ppsmemCounters, DWORD cb);

/* -------- working sets -------- */

/*
 * Lists all resident pages of a process in ascending order, as a PSAPI_WORKING_SET_INFORMATION.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_BAD_LENGTH  the pages do not fit. Only NumberOfEntries is set, to the number of pages.
 *                     Retry with room for more pages than that, because the working set can grow.
 *                     For the calling process, the number includes room for the pages of the
 *                     buffer and of the next call
 * On Linux, reading memory that was never written maps the zero page. Such pages are listed as
 * resident, although WorkingSetSize does not count them.
 */
BOOL WINAPI QueryWorkingSet(HANDLE hProcess, PVOID pv, DWORD cb);

/*
 * Fills in VirtualAttributes of every PSAPI_WORKING_SET_EX_INFORMATION in an array. VirtualAddress
 * is input and can be any address inside a page.
 *   Rights: PROCESS_QUERY_INFORMATION and PROCESS_VM_READ
 *   ERROR_BAD_LENGTH  cb is less than the size of one structure
 */
BOOL WINAPI QueryWorkingSetEx(HANDLE hProcess, PVOID pv, DWORD cb);

/*
 * Evicts as many pages from a process's working set as the system allows.
 *   Rights: PROCESS_QUERY_LIMITED_INFORMATION and PROCESS_SET_QUOTA
 *   ERROR_ACCESS_DENIED  also for a process other than the caller, without CAP_SYS_NICE
 * On Linux, private memory is evicted only to swap. Locked pages stay, and so do pages that are
 * mapped more than once, by other processes or by this one.
 */
BOOL WINAPI EmptyWorkingSet(HANDLE hProcess);

/*
 * Starts to record the page faults of a process, or clears the record if one exists. The record
 * ends when the last handle of the process is closed.
 *   Rights: PROCESS_QUERY_INFORMATION
 *   ERROR_ACCESS_DENIED  for example, kernel.perf_event_paranoid requires CAP_PERFMON
 * On Linux, only pages with a fault of their own are recorded. Neighboring pages that the kernel
 * maps together with such a page are not, and neither are pages from MAP_POPULATE or mlock. If
 * perf_event_paranoid is 2 or more, recording faults inside system calls requires CAP_PERFMON.
 */
BOOL WINAPI InitializeProcessForWsWatch(HANDLE hProcess);

/*
 * Return the page faults since the previous call, followed by an entry with the number of lost
 * faults.
 *   Rights: PROCESS_QUERY_INFORMATION
 *   ERROR_INVALID_PARAMETER    the process has no record
 *   ERROR_INSUFFICIENT_BUFFER  the faults do not fit. None is delivered or lost; call again with a
 *                              larger buffer. GetWsChangesEx sets *cb to the required size
 *   ERROR_NO_MORE_ITEMS        another thread is in one of these functions for the same process
 */
BOOL WINAPI GetWsChanges(HANDLE hProcess, PPSAPI_WS_WATCH_INFORMATION lpWatchInfo, DWORD cb);
BOOL WINAPI GetWsChangesEx(HANDLE hProcess, PPSAPI_WS_WATCH_INFORMATION_EX lpWatchInfoEx,
                           PDWORD cb);

/* -------- system -------- */

/*
 * Calls a function for every page file, until the function returns FALSE. The result is TRUE even
 * if the function stopped the list, or was never called because no page file exists.
 *   Rights: none
 * On Linux, swap areas are page files, including swap partitions.
 */
BOOL WINAPI EnumPageFilesA(PENUM_PAGE_FILE_CALLBACKA pCallBackRoutine, LPVOID pContext);
BOOL WINAPI EnumPageFilesW(PENUM_PAGE_FILE_CALLBACKW pCallBackRoutine, LPVOID pContext);

/*
 * Returns system-wide memory and object counters.
 *   Rights: none
 *   ERROR_BAD_LENGTH  cb is too small
 */
BOOL WINAPI GetPerformanceInfo(PPERFORMANCE_INFORMATION pPerformanceInformation, DWORD cb);

#ifdef __cplusplus
}
#endif

#endif
