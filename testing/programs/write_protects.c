/* Protects two of eight written pages by userfaultfd. Prints the address, or "none". */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
int main(void) {
    char *p = mmap(0, 8 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, 8 * 4096);
    int fd = syscall(SYS_userfaultfd, O_CLOEXEC | 1);
    struct uffdio_api api = { UFFD_API, UFFD_FEATURE_PAGEFAULT_FLAG_WP, 0 };
    struct uffdio_register all = { { (long)p, 8 * 4096 }, UFFDIO_REGISTER_MODE_WP, 0 };
    struct uffdio_writeprotect two = {
        { (long)p + 4096, 2 * 4096 }, UFFDIO_WRITEPROTECT_MODE_WP };
    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &all)
        || ioctl(fd, UFFDIO_WRITEPROTECT, &two))
        puts("none");
    else
        printf("%lu\n", (long)p);
    fflush(stdout); getchar(); return 0;
}
