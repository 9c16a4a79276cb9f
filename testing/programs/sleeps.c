/* Sleeps until its parent exits. */
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(void) { prctl(PR_SET_PDEATHSIG, SIGKILL); for (;;) pause(); }
