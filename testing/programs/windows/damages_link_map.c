/* Damages the loader's list of modules in the way that the argument selects, between two lines of
   output. */
#include <stdio.h>
#include <string.h>
#include <windows.h>
#include <winternl.h>
static void print_and_wait(void) { puts(""); fflush(stdout); if (getchar() == EOF) ExitProcess(0); }
int main(int argc, char **argv) {
    if (argc < 2) return 1;
    PEB_LDR_DATA *loader = NtCurrentTeb()->ProcessEnvironmentBlock->Ldr;
    /* InLoadOrderModuleList has no name in this header. It is before the list that has one. */
    LIST_ENTRY *head = &loader->InMemoryOrderModuleList - 1;
    LIST_ENTRY *second = head->Flink->Flink;
    const char *how = argv[1];
    print_and_wait();
    if (!strcmp(how, "cycle of two")) second->Flink->Flink = second;
    else if (!strcmp(how, "cycle of one")) second->Flink->Flink = second->Flink;
    else if (!strcmp(how, "unmapped memory")) second->Flink = (void *)0x123;
    else if (!strcmp(how, "code")) second->Flink = (void *)&main;
    else if (!strcmp(how, "last page")) second->Flink = (void *)-8;
    else if (!strcmp(how, "nowhere")) head->Flink = (void *)1;
    else if (!strcmp(how, "null")) head->Flink = 0;
    else return 1;
    print_and_wait();
    return 0;
}
