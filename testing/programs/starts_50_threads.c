/* Starts 50 threads after a character of input. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *wait_forever(void *p) { for (;;) pause(); return p; }
int main(void) {
    pthread_t t;
    puts("start"); fflush(stdout); getchar();
    for (int i = 0; i < 50; i++) pthread_create(&t, 0, wait_forever, 0);
    puts("threads"); fflush(stdout); getchar(); return 0;
}
