/* Has a name, and maps files with names, that contain markup, controls and invalid UTF-8. */
#include "map_memory.h"
int main(void) {
    prctl(PR_SET_NAME, "\"><b>&'\001\377", 0, 0, 0);
    chdir("/tmp");
    char dir[] = "psapi-XXXXXX";
    chdir(mkdtemp(dir));
    const char *name = "a\"></script><script>alert(1)&amp;'\001\377\xe2\x80\xae\xef\xbf\xbe";
    char deep[200];
    memset(deep, 'd', sizeof deep);
    deep[199] = 0;
    for (int i = 0; i < 18; i++) { mkdir(deep, 0755); chdir(deep); }
    int fd = memfd_create(name, 0);
    ftruncate(fd, 4 * page);
    *(char *)mmap(0, 4 * page, PROT_WRITE, MAP_SHARED, fd, 0) = 1;
    fd = open("long<file>", O_RDWR | O_CREAT, 0600);
    ftruncate(fd, 8 * page);
    *(char *)mmap(0, 8 * page, PROT_WRITE, MAP_SHARED, fd, 0) = 1;
    unlink("long<file>");
    for (int i = 0; i < 18; i++) { chdir(".."); rmdir(deep); }
    chdir("..");
    rmdir(dir);
    puts("0");
    wait_for_input();
    return 0;
}
