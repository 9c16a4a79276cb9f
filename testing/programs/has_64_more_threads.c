/* Has 64 threads besides its group leader. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *wait_forever(void *_) { for (;;) pause(); }
int main(void) {
    for (int i = 0; i < 64; i++) { pthread_t id; pthread_create(&id, 0, wait_forever, 0); }
    puts("ready"); fflush(stdout); getchar(); return 0;
}
