/* Compiled, not run. Asserts the documented 64-bit layout of each structure. */
#include <stddef.h>
#include <psapi.h>
#include <tlhelp32.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#endif
#define SIZE(type, bytes) ASSERT(sizeof(type) == bytes)
#define FIELD(type, field, offset, bytes)                                                          \
    ASSERT(offsetof(type, field) == offset);                                                       \
    ASSERT(sizeof(((type *)0)->field) == bytes)

SIZE(MODULEINFO, 24);
FIELD(MODULEINFO, lpBaseOfDll, 0, 8);
FIELD(MODULEINFO, SizeOfImage, 8, 4);
FIELD(MODULEINFO, EntryPoint, 16, 8);

#define COUNTERS(type)                                                                             \
    FIELD(type, cb, 0, 4);                                                                         \
    FIELD(type, PageFaultCount, 4, 4);                                                             \
    FIELD(type, PeakWorkingSetSize, 8, 8);                                                         \
    FIELD(type, WorkingSetSize, 16, 8);                                                            \
    FIELD(type, QuotaPeakPagedPoolUsage, 24, 8);                                                   \
    FIELD(type, QuotaPagedPoolUsage, 32, 8);                                                       \
    FIELD(type, QuotaPeakNonPagedPoolUsage, 40, 8);                                                \
    FIELD(type, QuotaNonPagedPoolUsage, 48, 8);                                                    \
    FIELD(type, PagefileUsage, 56, 8);                                                             \
    FIELD(type, PeakPagefileUsage, 64, 8)

SIZE(PROCESS_MEMORY_COUNTERS, 72);
COUNTERS(PROCESS_MEMORY_COUNTERS);
SIZE(PROCESS_MEMORY_COUNTERS_EX, 80);
COUNTERS(PROCESS_MEMORY_COUNTERS_EX);
FIELD(PROCESS_MEMORY_COUNTERS_EX, PrivateUsage, 72, 8);
SIZE(PROCESS_MEMORY_COUNTERS_EX2, 96);
COUNTERS(PROCESS_MEMORY_COUNTERS_EX2);
FIELD(PROCESS_MEMORY_COUNTERS_EX2, PrivateUsage, 72, 8);
FIELD(PROCESS_MEMORY_COUNTERS_EX2, PrivateWorkingSetSize, 80, 8);
FIELD(PROCESS_MEMORY_COUNTERS_EX2, SharedCommitUsage, 88, 8);

SIZE(PSAPI_WORKING_SET_BLOCK, 8);
FIELD(PSAPI_WORKING_SET_BLOCK, Flags, 0, 8);
SIZE(PSAPI_WORKING_SET_INFORMATION, 16);
FIELD(PSAPI_WORKING_SET_INFORMATION, NumberOfEntries, 0, 8);
FIELD(PSAPI_WORKING_SET_INFORMATION, WorkingSetInfo, 8, 8);
SIZE(PSAPI_WORKING_SET_EX_BLOCK, 8);
FIELD(PSAPI_WORKING_SET_EX_BLOCK, Flags, 0, 8);
FIELD(PSAPI_WORKING_SET_EX_BLOCK, Invalid, 0, 8);
SIZE(PSAPI_WORKING_SET_EX_INFORMATION, 16);
FIELD(PSAPI_WORKING_SET_EX_INFORMATION, VirtualAddress, 0, 8);
FIELD(PSAPI_WORKING_SET_EX_INFORMATION, VirtualAttributes, 8, 8);

SIZE(PSAPI_WS_WATCH_INFORMATION, 16);
FIELD(PSAPI_WS_WATCH_INFORMATION, FaultingPc, 0, 8);
FIELD(PSAPI_WS_WATCH_INFORMATION, FaultingVa, 8, 8);
SIZE(PSAPI_WS_WATCH_INFORMATION_EX, 32);
FIELD(PSAPI_WS_WATCH_INFORMATION_EX, BasicInfo, 0, 16);
FIELD(PSAPI_WS_WATCH_INFORMATION_EX, FaultingThreadId, 16, 8);
FIELD(PSAPI_WS_WATCH_INFORMATION_EX, Flags, 24, 8);

SIZE(ENUM_PAGE_FILE_INFORMATION, 32);
FIELD(ENUM_PAGE_FILE_INFORMATION, cb, 0, 4);
FIELD(ENUM_PAGE_FILE_INFORMATION, Reserved, 4, 4);
FIELD(ENUM_PAGE_FILE_INFORMATION, TotalSize, 8, 8);
FIELD(ENUM_PAGE_FILE_INFORMATION, TotalInUse, 16, 8);
FIELD(ENUM_PAGE_FILE_INFORMATION, PeakUsage, 24, 8);

SIZE(PERFORMANCE_INFORMATION, 104);
SIZE(PERFORMACE_INFORMATION, 104);
FIELD(PERFORMANCE_INFORMATION, cb, 0, 4);
FIELD(PERFORMANCE_INFORMATION, CommitTotal, 8, 8);
FIELD(PERFORMANCE_INFORMATION, CommitLimit, 16, 8);
FIELD(PERFORMANCE_INFORMATION, CommitPeak, 24, 8);
FIELD(PERFORMANCE_INFORMATION, PhysicalTotal, 32, 8);
FIELD(PERFORMANCE_INFORMATION, PhysicalAvailable, 40, 8);
FIELD(PERFORMANCE_INFORMATION, SystemCache, 48, 8);
FIELD(PERFORMANCE_INFORMATION, KernelTotal, 56, 8);
FIELD(PERFORMANCE_INFORMATION, KernelPaged, 64, 8);
FIELD(PERFORMANCE_INFORMATION, KernelNonpaged, 72, 8);
FIELD(PERFORMANCE_INFORMATION, PageSize, 80, 8);
FIELD(PERFORMANCE_INFORMATION, HandleCount, 88, 4);
FIELD(PERFORMANCE_INFORMATION, ProcessCount, 92, 4);
FIELD(PERFORMANCE_INFORMATION, ThreadCount, 96, 4);

SIZE(SYSTEM_INFO, 48);
FIELD(SYSTEM_INFO, dwOemId, 0, 4);
FIELD(SYSTEM_INFO, wProcessorArchitecture, 0, 2);
FIELD(SYSTEM_INFO, wReserved, 2, 2);
FIELD(SYSTEM_INFO, dwPageSize, 4, 4);
FIELD(SYSTEM_INFO, lpMinimumApplicationAddress, 8, 8);
FIELD(SYSTEM_INFO, lpMaximumApplicationAddress, 16, 8);
FIELD(SYSTEM_INFO, dwActiveProcessorMask, 24, 8);
FIELD(SYSTEM_INFO, dwNumberOfProcessors, 32, 4);
FIELD(SYSTEM_INFO, dwProcessorType, 36, 4);
FIELD(SYSTEM_INFO, dwAllocationGranularity, 40, 4);
FIELD(SYSTEM_INFO, wProcessorLevel, 44, 2);
FIELD(SYSTEM_INFO, wProcessorRevision, 46, 2);

SIZE(LARGE_INTEGER, 8);
FIELD(LARGE_INTEGER, LowPart, 0, 4);
FIELD(LARGE_INTEGER, HighPart, 4, 4);
FIELD(LARGE_INTEGER, u.HighPart, 4, 4);
FIELD(LARGE_INTEGER, QuadPart, 0, 8);
SIZE(ULARGE_INTEGER, 8);
FIELD(ULARGE_INTEGER, HighPart, 4, 4);

SIZE(FILETIME, 8);
FIELD(FILETIME, dwLowDateTime, 0, 4);
FIELD(FILETIME, dwHighDateTime, 4, 4);

SIZE(IO_COUNTERS, 48);
FIELD(IO_COUNTERS, ReadOperationCount, 0, 8);
FIELD(IO_COUNTERS, WriteOperationCount, 8, 8);
FIELD(IO_COUNTERS, OtherOperationCount, 16, 8);
FIELD(IO_COUNTERS, ReadTransferCount, 24, 8);
FIELD(IO_COUNTERS, WriteTransferCount, 32, 8);
FIELD(IO_COUNTERS, OtherTransferCount, 40, 8);

SIZE(MEMORYSTATUSEX, 64);
FIELD(MEMORYSTATUSEX, dwLength, 0, 4);
FIELD(MEMORYSTATUSEX, dwMemoryLoad, 4, 4);
FIELD(MEMORYSTATUSEX, ullTotalPhys, 8, 8);
FIELD(MEMORYSTATUSEX, ullAvailPhys, 16, 8);
FIELD(MEMORYSTATUSEX, ullTotalPageFile, 24, 8);
FIELD(MEMORYSTATUSEX, ullAvailPageFile, 32, 8);
FIELD(MEMORYSTATUSEX, ullTotalVirtual, 40, 8);
FIELD(MEMORYSTATUSEX, ullAvailVirtual, 48, 8);
FIELD(MEMORYSTATUSEX, ullAvailExtendedVirtual, 56, 8);

SIZE(MEMORY_BASIC_INFORMATION, 48);
FIELD(MEMORY_BASIC_INFORMATION, BaseAddress, 0, 8);
FIELD(MEMORY_BASIC_INFORMATION, AllocationBase, 8, 8);
FIELD(MEMORY_BASIC_INFORMATION, AllocationProtect, 16, 4);
FIELD(MEMORY_BASIC_INFORMATION, PartitionId, 20, 2);
FIELD(MEMORY_BASIC_INFORMATION, RegionSize, 24, 8);
FIELD(MEMORY_BASIC_INFORMATION, State, 32, 4);
FIELD(MEMORY_BASIC_INFORMATION, Protect, 36, 4);
FIELD(MEMORY_BASIC_INFORMATION, Type, 40, 4);

SIZE(LUID, 8);
SIZE(LUID_AND_ATTRIBUTES, 12);
FIELD(LUID_AND_ATTRIBUTES, Attributes, 8, 4);
SIZE(TOKEN_PRIVILEGES, 16);
FIELD(TOKEN_PRIVILEGES, PrivilegeCount, 0, 4);
FIELD(TOKEN_PRIVILEGES, Privileges, 4, 12);

#define PROCESS_ENTRY(type)                                                                        \
    FIELD(type, dwSize, 0, 4);                                                                     \
    FIELD(type, cntUsage, 4, 4);                                                                   \
    FIELD(type, th32ProcessID, 8, 4);                                                              \
    FIELD(type, th32DefaultHeapID, 16, 8);                                                         \
    FIELD(type, th32ModuleID, 24, 4);                                                              \
    FIELD(type, cntThreads, 28, 4);                                                                \
    FIELD(type, th32ParentProcessID, 32, 4);                                                       \
    FIELD(type, pcPriClassBase, 36, 4);                                                            \
    FIELD(type, dwFlags, 40, 4)

SIZE(PROCESSENTRY32, 304);
PROCESS_ENTRY(PROCESSENTRY32);
FIELD(PROCESSENTRY32, szExeFile, 44, 260);
SIZE(PROCESSENTRY32W, 568);
PROCESS_ENTRY(PROCESSENTRY32W);
FIELD(PROCESSENTRY32W, szExeFile, 44, 520);

SIZE(THREADENTRY32, 28);
FIELD(THREADENTRY32, dwSize, 0, 4);
FIELD(THREADENTRY32, cntUsage, 4, 4);
FIELD(THREADENTRY32, th32ThreadID, 8, 4);
FIELD(THREADENTRY32, th32OwnerProcessID, 12, 4);
FIELD(THREADENTRY32, tpBasePri, 16, 4);
FIELD(THREADENTRY32, tpDeltaPri, 20, 4);
FIELD(THREADENTRY32, dwFlags, 24, 4);

#define MODULE_ENTRY(type)                                                                         \
    FIELD(type, dwSize, 0, 4);                                                                     \
    FIELD(type, th32ModuleID, 4, 4);                                                               \
    FIELD(type, th32ProcessID, 8, 4);                                                              \
    FIELD(type, GlblcntUsage, 12, 4);                                                              \
    FIELD(type, ProccntUsage, 16, 4);                                                              \
    FIELD(type, modBaseAddr, 24, 8);                                                               \
    FIELD(type, modBaseSize, 32, 4);                                                               \
    FIELD(type, hModule, 40, 8)

SIZE(MODULEENTRY32, 568);
MODULE_ENTRY(MODULEENTRY32);
FIELD(MODULEENTRY32, szModule, 48, 256);
FIELD(MODULEENTRY32, szExePath, 304, 260);
SIZE(MODULEENTRY32W, 1080);
MODULE_ENTRY(MODULEENTRY32W);
FIELD(MODULEENTRY32W, szModule, 48, 512);
FIELD(MODULEENTRY32W, szExePath, 560, 520);
