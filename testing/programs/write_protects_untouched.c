/* Write-protects eight private and eight shared pages by userfaultfd. Only the first of each was
   written. Prints the addresses, or "none". */
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static int fd;
/* Writes to the first of eight pages, and write-protects all of them. */
static char *map_protected(int flags) {
    char *p = mmap(0, 8 * 4096, 3, flags | MAP_ANONYMOUS, -1, 0);
    memset(p, 1, 4096);
    struct uffdio_register all = { { (long)p, 8 * 4096 }, UFFDIO_REGISTER_MODE_WP, 0 };
    struct uffdio_writeprotect on = { { (long)p, 8 * 4096 }, UFFDIO_WRITEPROTECT_MODE_WP };
    if (ioctl(fd, UFFDIO_REGISTER, &all) || ioctl(fd, UFFDIO_WRITEPROTECT, &on)) return 0;
    return p;
}
int main(void) {
    fd = syscall(SYS_userfaultfd, O_CLOEXEC | 1);
    struct uffdio_api api = { UFFD_API,
        UFFD_FEATURE_PAGEFAULT_FLAG_WP | 1 << 12 /* WP_HUGETLBFS_SHMEM */
            | 1 << 13 /* WP_UNPOPULATED */, 0 };
    char *private = 0, *shared = 0;
    if (fd >= 0 && !ioctl(fd, UFFDIO_API, &api)) {
        private = map_protected(MAP_PRIVATE);
        shared = map_protected(MAP_SHARED);
    }
    if (private && shared) printf("%lu %lu\n", (long)private, (long)shared);
    else puts("none");
    fflush(stdout); getchar(); return 0;
}
