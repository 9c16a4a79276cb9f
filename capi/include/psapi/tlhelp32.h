/*
 * tlhelp32.h: snapshots of processes, threads and modules.
 *
 * As on Windows, the functions and structures for CHAR text have the plain names. With UNICODE, the
 * plain names stand for the WCHAR forms.
 */
#ifndef PSAPI_TLHELP32_H
#define PSAPI_TLHELP32_H

#include "windows.h"

#define TH32CS_SNAPHEAPLIST 0x00000001 /* accepted, but no function lists heaps */
#define TH32CS_SNAPPROCESS 0x00000002
#define TH32CS_SNAPTHREAD 0x00000004
#define TH32CS_SNAPMODULE 0x00000008
#define TH32CS_SNAPMODULE32 0x00000010
#define TH32CS_SNAPALL                                                                             \
    (TH32CS_SNAPHEAPLIST | TH32CS_SNAPPROCESS | TH32CS_SNAPTHREAD | TH32CS_SNAPMODULE)
#define TH32CS_INHERIT 0x80000000

#define MAX_MODULE_NAME32 255

/* Set dwSize to the size of the structure. Fields without a comment are 0 on Linux. */
typedef struct tagPROCESSENTRY32 {
    DWORD dwSize;
    DWORD cntUsage;
    DWORD th32ProcessID; /* id */
    ULONG_PTR th32DefaultHeapID;
    DWORD th32ModuleID;
    DWORD cntThreads;          /* number of threads */
    DWORD th32ParentProcessID; /* id of the parent, or 0 if it is not visible */
    LONG pcPriClassBase;       /* 4, 6, 8, 10 or 13; 8 is a nice value of 0 */
    DWORD dwFlags;
    CHAR szExeFile[MAX_PATH]; /* base name of the executable; if denied, the kernel's name */
} PROCESSENTRY32, *PPROCESSENTRY32, *LPPROCESSENTRY32;

typedef struct tagPROCESSENTRY32W {
    DWORD dwSize;
    DWORD cntUsage;
    DWORD th32ProcessID;
    ULONG_PTR th32DefaultHeapID;
    DWORD th32ModuleID;
    DWORD cntThreads;
    DWORD th32ParentProcessID;
    LONG pcPriClassBase;
    DWORD dwFlags;
    WCHAR szExeFile[MAX_PATH];
} PROCESSENTRY32W, *PPROCESSENTRY32W, *LPPROCESSENTRY32W;

typedef struct tagTHREADENTRY32 {
    DWORD dwSize;
    DWORD cntUsage;
    DWORD th32ThreadID;       /* id */
    DWORD th32OwnerProcessID; /* id of the process */
    LONG tpBasePri;           /* pcPriClassBase of the process */
    LONG tpDeltaPri;
    DWORD dwFlags;
} THREADENTRY32, *PTHREADENTRY32, *LPTHREADENTRY32;

typedef struct tagMODULEENTRY32 {
    DWORD dwSize;
    DWORD th32ModuleID;  /* 1 */
    DWORD th32ProcessID; /* id of the process */
    DWORD GlblcntUsage;  /* 0xFFFF, as is ProccntUsage */
    DWORD ProccntUsage;
    BYTE *modBaseAddr; /* base address */
    DWORD modBaseSize; /* size in bytes */
    HMODULE hModule;   /* base address */
    char szModule[MAX_MODULE_NAME32 + 1];
    char szExePath[MAX_PATH];
} MODULEENTRY32, *PMODULEENTRY32, *LPMODULEENTRY32;

typedef struct tagMODULEENTRY32W {
    DWORD dwSize;
    DWORD th32ModuleID;
    DWORD th32ProcessID;
    DWORD GlblcntUsage;
    DWORD ProccntUsage;
    BYTE *modBaseAddr;
    DWORD modBaseSize;
    HMODULE hModule;
    WCHAR szModule[MAX_MODULE_NAME32 + 1];
    WCHAR szExePath[MAX_PATH];
} MODULEENTRY32W, *PMODULEENTRY32W, *LPMODULEENTRY32W;

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Takes a snapshot of all processes, of all threads of the system, and of the modules of one
 * process, as dwFlags selects. A th32ProcessID of 0 is the caller. CloseHandle closes the snapshot.
 * Returns INVALID_HANDLE_VALUE on failure.
 *   ERROR_INVALID_PARAMETER  invalid flags, or no process has this id
 *   ERROR_ACCESS_DENIED      modules of another user's process, without CAP_SYS_PTRACE
 *   ERROR_PARTIAL_COPY       the process has no modules: it is a kernel thread or has ended
 */
HANDLE WINAPI CreateToolhelp32Snapshot(DWORD dwFlags, DWORD th32ProcessID);

/*
 * Return the first entry of a snapshot, and each next one. Names that do not fit are truncated.
 *   ERROR_NO_MORE_FILES  there are no more entries
 *   ERROR_BAD_LENGTH     dwSize is less than the size of the structure
 */
BOOL WINAPI Process32First(HANDLE hSnapshot, LPPROCESSENTRY32 lppe);
BOOL WINAPI Process32FirstW(HANDLE hSnapshot, LPPROCESSENTRY32W lppe);
BOOL WINAPI Process32Next(HANDLE hSnapshot, LPPROCESSENTRY32 lppe);
BOOL WINAPI Process32NextW(HANDLE hSnapshot, LPPROCESSENTRY32W lppe);
BOOL WINAPI Thread32First(HANDLE hSnapshot, LPTHREADENTRY32 lpte);
BOOL WINAPI Thread32Next(HANDLE hSnapshot, LPTHREADENTRY32 lpte);
BOOL WINAPI Module32First(HANDLE hSnapshot, LPMODULEENTRY32 lpme);
BOOL WINAPI Module32FirstW(HANDLE hSnapshot, LPMODULEENTRY32W lpme);
BOOL WINAPI Module32Next(HANDLE hSnapshot, LPMODULEENTRY32 lpme);
BOOL WINAPI Module32NextW(HANDLE hSnapshot, LPMODULEENTRY32W lpme);

#ifdef __cplusplus
}
#endif

#ifdef UNICODE
#define PROCESSENTRY32 PROCESSENTRY32W
#define PPROCESSENTRY32 PPROCESSENTRY32W
#define LPPROCESSENTRY32 LPPROCESSENTRY32W
#define MODULEENTRY32 MODULEENTRY32W
#define PMODULEENTRY32 PMODULEENTRY32W
#define LPMODULEENTRY32 LPMODULEENTRY32W
#define Process32First Process32FirstW
#define Process32Next Process32NextW
#define Module32First Module32FirstW
#define Module32Next Module32NextW
#endif

#endif
