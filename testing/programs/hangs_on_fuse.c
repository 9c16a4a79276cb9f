/* A process that has loaded a library from a FUSE file system whose server stops answering.
   Arguments: the library, a directory to mount the file system on, and "pending" or "taken": whether
   the server leaves later requests in the kernel, or reads and never answers them. The library is
   named "library.so" there. Prints a line once the library is loaded ("-" if FUSE cannot be mounted),
   and another one after a line of input, when the server has stopped answering. The mount is
   invisible to other processes. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define NAME "library.so"
static char *content;
static size_t size;
static volatile sig_atomic_t is_hung;
static void hang(int signal) { (void)signal; is_hung = 1; }

static void reply(int fuse, const struct fuse_in_header *in, int error, const void *data, size_t length) {
    struct fuse_out_header out = {sizeof out + (error ? 0 : length), -error, in->unique};
    struct iovec parts[] = {{&out, sizeof out}, {(void *)data, length}};
    if (writev(fuse, parts, error || !length ? 1 : 2) < 0 && errno != ENOENT) _exit(98);
}

static struct fuse_attr attributes(uint64_t node) {
    struct fuse_attr attr = {.ino = node, .nlink = 1, .blksize = 4096};
    attr.mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0755;
    attr.size = node == 1 ? 0 : size;
    return attr;
}

static void serve(int fuse) {
    static char buffer[1 << 20];
    for (;;) {
        ssize_t length = read(fuse, buffer, sizeof buffer);
        if (length < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN)) continue;
        if (length < 0) _exit(0);
        while (is_hung) pause();
        struct fuse_in_header *in = (void *)buffer;
        void *arguments = in + 1;
        if (in->opcode == FUSE_INIT) {
            struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = 31, .max_write = 1 << 16};
            reply(fuse, in, 0, &out, sizeof out);
        } else if (in->opcode == FUSE_LOOKUP) {
            struct fuse_entry_out out = {.nodeid = 2, .attr = attributes(2)};
            reply(fuse, in, strcmp(arguments, NAME) ? ENOENT : 0, &out, sizeof out);
        } else if (in->opcode == FUSE_GETATTR) {
            struct fuse_attr_out out = {.attr = attributes(in->nodeid)};
            reply(fuse, in, 0, &out, sizeof out);
        } else if (in->opcode == FUSE_OPEN || in->opcode == FUSE_OPENDIR) {
            struct fuse_open_out out = {0};
            reply(fuse, in, 0, &out, sizeof out);
        } else if (in->opcode == FUSE_READ) {
            struct fuse_read_in *wanted = arguments;
            size_t start = wanted->offset < size ? wanted->offset : size;
            size_t rest = size - start;
            reply(fuse, in, 0, content + start, rest < wanted->size ? rest : wanted->size);
        } else if (in->opcode == FUSE_RELEASE || in->opcode == FUSE_FLUSH || in->opcode == FUSE_RELEASEDIR) {
            reply(fuse, in, 0, 0, 0);
        } else if (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET && in->opcode != FUSE_INTERRUPT) {
            reply(fuse, in, ENOSYS, 0, 0);
        }
    }
}

static int mount_library(const char *library, const char *directory) {
    FILE *file = fopen(library, "r");
    content = malloc(16 << 20);
    if (!file || !content) return -1;
    size = fread(content, 1, 16 << 20, file);
    int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    if (fuse < 0 || unshare(CLONE_NEWNS) || mount(0, "/", 0, MS_REC | MS_PRIVATE, 0)) return -1;
    char options[128];
    sprintf(options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fuse);
    return mount("library", directory, "fuse", MS_NOSUID | MS_NODEV, options) ? -1 : fuse;
}

int main(int argc, char **argv) {
    char path[4096];
    if (argc != 4) return 99;
    int fuse = mount_library(argv[1], argv[2]);
    if (fuse < 0) { puts("-"); return 0; }
    pid_t server = fork();
    if (!server) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGUSR1, hang);
        serve(fuse);
    }
    close(fuse);
    snprintf(path, sizeof path, "%s/%s", argv[2], NAME);
    if (!dlopen(path, RTLD_NOW)) { fprintf(stderr, "%s\n", dlerror()); return 97; }
    puts("."); fflush(stdout);
    getchar();
    kill(server, strcmp(argv[3], "taken") ? SIGSTOP : SIGUSR1);
    usleep(100000);
    puts("."); fflush(stdout);
    /* Faults that a watch records. */
    for (;;) {
        char *memory = mmap(0, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(memory, 1, 1 << 20);
        munmap(memory, 1 << 20);
        usleep(20000);
    }
}
