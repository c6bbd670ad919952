#define _GNU_SOURCE
#include "capus.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

int capus_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_ns) {
    struct timespec limit, *limit_pointer = NULL;
    if (timeout_ns >= 0) {
        limit.tv_sec = timeout_ns / 1000000000;
        limit.tv_nsec = timeout_ns % 1000000000;
        limit_pointer = &limit;
    }
    long result = syscall(
        SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, limit_pointer, NULL, 0);
    return result == 0 ? 0 : errno;
}

void capus_futex_wake(const uint32_t *word, int32_t count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}

// MEMBARRIER_CMD_PRIVATE_EXPEDITED is 8 and its registration 16 (Linux 4.14).
int capus_register_barrier(void) {
    return syscall(SYS_membarrier, 16, 0, 0) == 0 ? 0 : errno;
}

void capus_barrier_everywhere(void) {
    syscall(SYS_membarrier, 8, 0, 0);
}

void capus_spin_hint(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

int capus_open(const char *path, int flags, uint32_t mode) {
    int descriptor;
    do {
        descriptor = open(path, flags | O_CLOEXEC, (mode_t)mode);
    } while (descriptor < 0 && errno == EINTR);
    return descriptor < 0 ? -errno : descriptor;
}

int capus_lock_first_byte(int descriptor) {
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1, .l_pid = 0};
    return fcntl(descriptor, F_OFD_SETLK, &lock) == 0 ? 0 : errno;
}

int capus_first_byte_is_locked(int descriptor) {
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1, .l_pid = 0};
    if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -errno;
    return lock.l_type != F_UNLCK;
}

void capus_unlock_first_byte(int descriptor) {
    struct flock lock = {
        .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1, .l_pid = 0};
    (void)fcntl(descriptor, F_OFD_SETLK, &lock);
}

int capus_fallocate(int descriptor, int mode, int64_t offset, int64_t count) {
    int result;
    do {
        result = fallocate(descriptor, mode, offset, count);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

int64_t capus_write_through(
    int descriptor, const void *first, size_t first_count, const void *second,
    size_t second_count, int64_t offset) {
    struct iovec parts[2] = {
        {.iov_base = (void *)first, .iov_len = first_count},
        {.iov_base = (void *)second, .iov_len = second_count}};
    const ssize_t count = pwritev2(descriptor, parts, 2, offset, RWF_DSYNC);
    return count >= 0 ? count : -errno;
}

int64_t capus_byte_count(int descriptor) {
    struct statx found;
    if (statx(descriptor, "", AT_EMPTY_PATH, STATX_SIZE, &found) == 0)
        return (int64_t)found.stx_size;
    // Not known, or not allowed.
    struct stat other;
    return fstat(descriptor, &other) == 0 ? (int64_t)other.st_size : -errno;
}

int capus_write_back(int descriptor, int64_t offset, int64_t count) {
    const unsigned all = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE
        | SYNC_FILE_RANGE_WAIT_AFTER;
    return sync_file_range(descriptor, offset, count, all) == 0 ? 0 : errno;
}

void capus_be_patient(void) {
    const struct sched_param none = {.sched_priority = 0};
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
}

// On Linux each thread has a nice value of its own. 10 is a tenth of what others get.
void capus_stand_back(void) {
    capus_be_patient();
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 10);
}

int32_t capus_processor(void) { return sched_getcpu(); }

void capus_leave_processor(int32_t processor) {
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0) return;
    cpu_set_t others = all;
    CPU_CLR((size_t)processor, &others);
    if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
    (void)sched_setaffinity(0, sizeof all, &all);
}

static _Thread_local int32_t principal = -1;

void capus_work_for(int32_t processor) { principal = processor; }

int32_t capus_principal_processor(void) {
    return principal >= 0 ? principal : sched_getcpu();
}

void capus_name_thread(const char *name) {
    char cut[16];
    strncpy(cut, name, sizeof cut - 1);
    cut[sizeof cut - 1] = 0;
    pthread_setname_np(pthread_self(), cut);
}

static _Thread_local struct capus_share own_share;

struct capus_share capus_own_share(void) { return own_share; }

void capus_keep_share(struct capus_share share) { own_share = share; }
