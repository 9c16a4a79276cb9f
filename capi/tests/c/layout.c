/* Compiled only: the table of structures of the contract, for 64 bits. */
#include <stddef.h>
#include <psapi.h>

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
