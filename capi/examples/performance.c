/* Prints system-wide memory and object counters. */
#include <windows.h>
#include <stdio.h>
#include <psapi.h>

static void print_pages(const char *what, SIZE_T pages, SIZE_T page_size)
{
    printf("%-20s %14zu KiB\n", what, pages * (page_size / 1024));
}

int main(void)
{
    PERFORMANCE_INFORMATION info;

    if (!GetPerformanceInfo(&info, sizeof(info))) {
        fprintf(stderr, "GetPerformanceInfo: error %u\n", GetLastError());
        return 1;
    }
    print_pages("commit charge", info.CommitTotal, info.PageSize);
    print_pages("commit limit", info.CommitLimit, info.PageSize);
    print_pages("commit peak", info.CommitPeak, info.PageSize);
    print_pages("physical total", info.PhysicalTotal, info.PageSize);
    print_pages("physical available", info.PhysicalAvailable, info.PageSize);
    print_pages("system cache", info.SystemCache, info.PageSize);
    print_pages("kernel total", info.KernelTotal, info.PageSize);
    print_pages("kernel paged", info.KernelPaged, info.PageSize);
    print_pages("kernel nonpaged", info.KernelNonpaged, info.PageSize);
    printf("%-20s %14zu B\n", "page size", info.PageSize);
    printf("%-20s %14u\n", "handles", info.HandleCount);
    printf("%-20s %14u\n", "processes", info.ProcessCount);
    printf("%-20s %14u\n", "threads", info.ThreadCount);
    return 0;
}
