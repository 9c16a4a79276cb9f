/* The CPU use of this process and of the machine during an interval. */
#include <windows.h>
#include <stdio.h>

static ULONGLONG units(const FILETIME *time)
{
    return (ULONGLONG)time->dwHighDateTime << 32 | time->dwLowDateTime;
}

struct sample {
    LARGE_INTEGER counter;
    ULONGLONG own, idle, all;
};

static int take(struct sample *sample)
{
    FILETIME creation, end, kernel, user, idle;

    if (!GetProcessTimes(GetCurrentProcess(), &creation, &end, &kernel, &user))
        return 0;
    sample->own = units(&kernel) + units(&user);
    if (!GetSystemTimes(&idle, &kernel, &user))
        return 0;
    sample->idle = units(&idle);
    sample->all = units(&kernel) + units(&user);
    return QueryPerformanceCounter(&sample->counter);
}

int main(void)
{
    LARGE_INTEGER frequency;
    struct sample before, after;
    SYSTEM_INFO system;
    ULONGLONG elapsed;
    volatile unsigned work = 0;

    GetSystemInfo(&system);
    if (!QueryPerformanceFrequency(&frequency) || !take(&before))
        return 1;
    do {
        int i;
        for (i = 0; i < 100000; i++)
            work = work + (unsigned)i;
        if (!take(&after))
            return 1;
        /* Until the process has used a tenth of a second. */
    } while (after.own - before.own < 1000000);
    elapsed = (ULONGLONG)(after.counter.QuadPart - before.counter.QuadPart) * 10000000 /
              (ULONGLONG)frequency.QuadPart;
    printf("elapsed %llu\n", elapsed);
    printf("own %llu\n", after.own - before.own);
    printf("machine %llu\n", after.all - before.all);
    printf("idle %llu\n", after.idle - before.idle);
    printf("processors %u\n", system.dwNumberOfProcessors);
    return 0;
}
