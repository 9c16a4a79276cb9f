/* Sets all bits of a single field, and prints the resulting Flags. Repeats this for each field. */
#include <psapi.h>
#include <stdio.h>

#define PRINT(type, field)                                                                         \
    do {                                                                                           \
        type block;                                                                                \
        block.Flags = 0;                                                                           \
        block.field--;                                                                             \
        printf("%s.%s %016llx\n", #type, #field, (ULONGLONG)block.Flags);                         \
    } while (0)

int main(void)
{
    PRINT(PSAPI_WORKING_SET_BLOCK, Protection);
    PRINT(PSAPI_WORKING_SET_BLOCK, ShareCount);
    PRINT(PSAPI_WORKING_SET_BLOCK, Shared);
    PRINT(PSAPI_WORKING_SET_BLOCK, Reserved);
    PRINT(PSAPI_WORKING_SET_BLOCK, VirtualPage);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Valid);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, ShareCount);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Win32Protection);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Shared);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Node);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Locked);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, LargePage);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Reserved);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Bad);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, ReservedUlong);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Invalid.Valid);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Invalid.Reserved0);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Invalid.Shared);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Invalid.Reserved1);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Invalid.Bad);
    PRINT(PSAPI_WORKING_SET_EX_BLOCK, Invalid.ReservedUlong);
    return 0;
}
