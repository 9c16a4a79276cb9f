/* Prints whether this program is a 32-bit program on a 64-bit system, without linking the
   function. */
#include <windows.h>
#include <stdio.h>

typedef BOOL(WINAPI *IsWow64Process_t)(HANDLE, BOOL *);

int main(void)
{
    BOOL wow64 = FALSE;
    SYSTEM_INFO own, native;
    HMODULE module = NULL;
    IsWow64Process_t is_wow64 =
        (IsWow64Process_t)GetProcAddress(GetModuleHandle(TEXT("kernel32")), "IsWow64Process");

    if (is_wow64 != NULL && !is_wow64(GetCurrentProcess(), &wow64))
        return 1;
    GetSystemInfo(&own);
    GetNativeSystemInfo(&native);
    if (!GetModuleHandleEx(GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, NULL, &module))
        return 1;
    printf("wow64 %d\n", wow64);
    printf("own %u\nnative %u\n", own.wProcessorArchitecture, native.wProcessorArchitecture);
    printf("bits %zu\n", sizeof(void *) * 8);
    printf("base %p\n", (void *)module);
    return 0;
}
