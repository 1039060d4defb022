/* A full disk, or a wrong clock, for one process: preloaded, it fails what the process writes to files, or moves its wall clock.
 *
 *   cc -shared -fPIC -O2 -o hostfaults.so hostfaults.c -ldl
 *   HOSTFAULTS_CONTROL=/path/to/control LD_PRELOAD=/path/to/hostfaults.so COMMAND
 *
 * The control file holds "full", or "clock SECONDS" by which the wall clock is ahead (behind, if negative); it is read again on every
 * call. Absent or anything else: no fault. On a full disk files can be made and cut, as on a real one that has inodes, and
 * every write to a regular file but standard output and error fails with ENOSPC. Other clocks than the wall clock go on as they are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* System calls of their own, so that reading the control file is not hit itself. */
static const char *control(char text[64])
{
    const char *path = getenv("HOSTFAULTS_CONTROL");
    int code = errno;
    text[0] = '\0';
    if (path != NULL) {
        int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        if (file >= 0) {
            ssize_t count = (ssize_t)syscall(SYS_read, file, text, 63);
            syscall(SYS_close, file);
            text[count > 0 ? count : 0] = '\0';
        }
    }
    errno = code;
    return text;
}

static int is_full(int descriptor)
{
    char text[64];
    struct stat facts;
    int code = errno;
    if (descriptor <= 2 || strncmp(control(text), "full", 4) != 0) return 0;
    int found = fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
    errno = found ? ENOSPC : code;
    return found;
}

#define UNLESS_FULL(name) \
    static __typeof__(name) *original; \
    if (original == NULL) original = (__typeof__(name) *)dlsym(RTLD_NEXT, #name); \
    if (is_full(descriptor)) return -1

ssize_t write(int descriptor, const void *bytes, size_t count)
{
    UNLESS_FULL(write);
    return original(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset)
{
    UNLESS_FULL(pwrite);
    return original(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset)
{
    UNLESS_FULL(pwrite64);
    return original(descriptor, bytes, count, offset);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count)
{
    UNLESS_FULL(writev);
    return original(descriptor, parts, count);
}

static time_t ahead(void)
{
    char text[64];
    return strncmp(control(text), "clock ", 6) == 0 ? (time_t)strtol(text + 6, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);
    if (status == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return status;
}

int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec precise;
    int status = clock_gettime(CLOCK_REALTIME, &precise);
    (void)zone;
    if (status == 0) {
        now->tv_sec = precise.tv_sec;
        now->tv_usec = precise.tv_nsec / 1000;
    }
    return status;
}

time_t time(time_t *place)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}
