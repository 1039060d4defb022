/* A slow disk for one process: preloaded, it delays what the process writes to and flushes of certain files.
 *
 *   cc -shared -fPIC -O2 -o slowdisk.so slowdisk.c -ldl
 *   SLOWDISK_CONTROL=/path/to/control LD_PRELOAD=/path/to/slowdisk.so COMMAND
 *
 * The control file holds the delay in milliseconds; it is read again on every call and every few milliseconds of
 * a delay, so that a longer or shorter one takes effect at once. Absent, empty or 0: no delay.
 * SLOWDISK_PREFIX: how the names of the files begin, "log." when not set, which is a ZooKeeper server's
 * transaction log. The delay comes before the call, as on a disk with other work to do first.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { STEP = 5 };

/* System calls of their own, so that reading the control file is not delayed itself. */
static long delay(void)
{
    const char *path = getenv("SLOWDISK_CONTROL");
    char text[32];
    if (path == NULL) return 0;
    int control = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    if (control < 0) return 0;
    ssize_t count = (ssize_t)syscall(SYS_read, control, text, sizeof text - 1);
    syscall(SYS_close, control);
    if (count <= 0) return 0;
    text[count] = '\0';
    long milliseconds = strtol(text, NULL, 10);
    return milliseconds < 0 ? 0 : milliseconds;
}

static int concerns(int descriptor)
{
    char link[64], path[4096];
    const char *prefix = getenv("SLOWDISK_PREFIX");
    if (prefix == NULL) prefix = "log.";
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count <= 0) return 0;
    path[count] = '\0';
    const char *name = strrchr(path, '/');
    return name != NULL && strncmp(name + 1, prefix, strlen(prefix)) == 0;
}

static void hold(int descriptor)
{
    int code = errno;
    if (concerns(descriptor)) {
        const struct timespec step = {0, STEP * 1000000L};
        for (long waited = 0; waited < delay(); waited += STEP) nanosleep(&step, NULL);
    }
    errno = code;
}

#define ORIGINAL(name) \
    static __typeof__(name) *original; \
    if (original == NULL) original = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); \
    hold(descriptor)

int fsync(int descriptor)
{
    ORIGINAL(fsync);
    return original(descriptor);
}

int fdatasync(int descriptor)
{
    ORIGINAL(fdatasync);
    return original(descriptor);
}

ssize_t write(int descriptor, const void *bytes, size_t count)
{
    ORIGINAL(write);
    return original(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset)
{
    ORIGINAL(pwrite);
    return original(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset)
{
    ORIGINAL(pwrite64);
    return original(descriptor, bytes, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    ORIGINAL(writev);
    return original(descriptor, parts, count);
}
