/* Has six threads besides its group leader. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *wait_forever(void *p) { for (;;) pause(); return p; }
int main(void) {
    pthread_t t;
    for (int i = 0; i < 6; i++) pthread_create(&t, 0, wait_forever, 0);
    puts("ready"); fflush(stdout); getchar(); return 0;
}
