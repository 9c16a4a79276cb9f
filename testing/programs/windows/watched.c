/* The program that tests of "psapi watch" run. The first argument selects its behavior. */
#include "commit_memory.h"
/* The mapping that faults are arranged in: a section has no name, so its size tells it apart. */
static char *map(size_t pages) { return commit(pages * PAGE); }
static DWORD WINAPI exit_in_thread(void *argument) { (void)argument; ExitProcess(7); }
int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "touch")) {
        touch(map(500), 500);
        ExitProcess(argc > 2 ? strtoul(argv[2], NULL, 0) : 0);
    }
    if (!strcmp(what, "create")) return !fopen(argv[2], "w");
    if (!strcmp(what, "copy")) {
        for (int c; (c = getchar()) != EOF;) putchar(c);
        fputs("error\n", stderr);
    }
    if (!strcmp(what, "running")) {
        print_line("."); wait_for_input();
        touch(map(400), 400);
        print_line("."); wait_for_input();
    }
    if (!strcmp(what, "churn")) {
        /* Until the process is killed. Of 64 places, half have pages, and each gets new ones in turn.
           Every place is a region of its own, and their number stays small for the stand-in. */
        char *room = VirtualAlloc(NULL, 64 * 32 * PAGE, MEM_RESERVE, PAGE_READWRITE);
        if (!room) return 1;
        print_line(".");
        for (size_t i = 0;; i++, Sleep(1)) {
            char *p = room + i % 64 * 32 * PAGE;
            if (!VirtualAlloc(p, 16 * PAGE, MEM_COMMIT, PAGE_READWRITE)) return 1;
            touch(p, 16);
            VirtualFree(room + (i + 32) % 64 * 32 * PAGE, 16 * PAGE, MEM_DECOMMIT);
        }
    }
    if (!strcmp(what, "exit-in-thread")) {
        CreateThread(0, 0, exit_in_thread, 0, 0, 0);
        Sleep(INFINITE);
    }
    if (!strcmp(what, "term")) {
        touch(map(400), 400);
        print_line(".");
        Sleep(INFINITE);
    }
    return 0;
}
