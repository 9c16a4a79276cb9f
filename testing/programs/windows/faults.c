/* Touches pages in the way that the first argument selects. The pages are committed only then: until
   they are, no rule puts them into the working set. */
#include "commit_memory.h"
static size_t pages;
static char *reserve(void) {
    char *p = VirtualAlloc(NULL, pages * PAGE, MEM_RESERVE, PAGE_READWRITE);
    if (!p) ExitProcess(97);
    return p;
}
static void commit_and_touch(char *p) {
    if (!VirtualAlloc(p, pages * PAGE, MEM_COMMIT, PAGE_READWRITE)) ExitProcess(96);
    touch(p, pages);
}
/* Threads wait for it. */
static HANDLE begin;
static DWORD WINAPI touch_own(void *own) {
    WaitForSingleObject(begin, INFINITE);
    commit_and_touch(own);
    return 0;
}
static HANDLE start_thread(void *own) {
    HANDLE thread = CreateThread(NULL, 64 << 10, touch_own, own, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
    if (!thread) ExitProcess(95);
    return thread;
}
int main(int argc, char **argv) {
    if (argc < 3) return 1;
    const char *what = argv[1];
    pages = strtoul(argv[2], NULL, 0);
    int threads = argc > 3 ? atoi(argv[3]) : 0;
    HANDLE ids[256];
    char text[64];
    if (!strcmp(what, "touch")) {
        char *p = reserve();
        snprintf(text, sizeof text, "%" PRIuPTR " %lu", (uintptr_t)p, GetCurrentThreadId());
        for (;;) {
            print_line(text); wait_for_input();
            VirtualFree(p, pages * PAGE, MEM_DECOMMIT);
            commit_and_touch(p);
            strcpy(text, "done");
        }
    }
    if (!strcmp(what, "threads-before") || !strcmp(what, "threads-later")) {
        int before = !strcmp(what, "threads-before");
        begin = CreateEventA(NULL, TRUE, FALSE, NULL);
        /* Now, since the stack of a thread that has ended would leave room for them. */
        char *own[256];
        for (int i = 0; i < threads; i++) own[i] = reserve();
        for (int i = 0; before && i < threads; i++) ids[i] = start_thread(own[i]);
        print_line("ready"); wait_for_input();
        for (int i = 0; !before && i < threads; i++) ids[i] = start_thread(own[i]);
        SetEvent(begin);
        for (int i = 0; i < threads; i++) WaitForSingleObject(ids[i], INFINITE);
        print_line("done"); wait_for_input();
    }
    return 0;
}
