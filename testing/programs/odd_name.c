/* Has a name with the characters that end or escape names in files of /proc. */
#include <stdio.h>
#include <sys/prctl.h>
int main(void) {
    prctl(PR_SET_NAME, "a) Z (b\n\\n\xff", 0, 0, 0);
    puts("ready"); fflush(stdout); getchar(); return 0;
}
