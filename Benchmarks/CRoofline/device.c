// The raw device: blocks made durable one by one, and what it sustains for longer.

#define _GNU_SOURCE
#include "croofline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

// Linux has it since 5.14; older headers do not name it.
enum { populate_write = 23 };
enum { step_bytes = 1 << 20, sync_steps = 32 };

const char *croofline_method_name(int method) {
    switch (method) {
        case CROOFLINE_PWRITE_FDATASYNC: return "pwrite, fdatasync";
        case CROOFLINE_PWRITE_DSYNC: return "pwritev2 RWF_DSYNC";
        case CROOFLINE_DIRECT_DSYNC: return "O_DIRECT O_DSYNC";
        case CROOFLINE_MMAP_MSYNC: return "mmap, msync";
        default: return "unknown";
    }
}

static int prepare_open(int descriptor, int64_t bytes) {
    int code = posix_fallocate(descriptor, 0, bytes);
    if (code != 0) return code;
    void *map = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (map == MAP_FAILED) return errno;
    // Dirties each page without large writes before it: a file that was filled by these is written
    // back a megabyte at a time, however little of it changed.
    if (madvise(map, (size_t)bytes, populate_write) != 0)
        for (int64_t at = 0; at < bytes; at += 4096) ((volatile uint8_t *)map)[at] = 0;
    code = munmap(map, (size_t)bytes) != 0 || fdatasync(descriptor) != 0 ? errno : 0;
    return code;
}

int croofline_prepare(const char *path, int64_t bytes) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return errno;
    int code = prepare_open(descriptor, bytes);
    close(descriptor);
    return code;
}

static int write_block(
    int descriptor, int method, uint8_t *map, uint8_t *block, int64_t count, int64_t at) {
    struct iovec part = {.iov_base = block, .iov_len = (size_t)count};
    switch (method) {
        case CROOFLINE_PWRITE_FDATASYNC:
            if (pwrite(descriptor, block, (size_t)count, at) != count) return EIO;
            return fdatasync(descriptor) == 0 ? 0 : errno;
        case CROOFLINE_PWRITE_DSYNC:
            return pwritev2(descriptor, &part, 1, at, RWF_DSYNC) == count ? 0 : EIO;
        case CROOFLINE_DIRECT_DSYNC:
            return pwrite(descriptor, block, (size_t)count, at) == count ? 0 : EIO;
        default:
            memcpy(map + at, block, (size_t)count);
            return msync(map + at, (size_t)count, MS_SYNC) == 0 ? 0 : errno;
    }
}

static int64_t write_blocks(
    int descriptor, int method, uint8_t *map, uint8_t *block, int64_t bytes, int64_t count,
    double seconds, int64_t limit, int64_t *latencies) {
    int64_t start = croofline_now(), end = start + (int64_t)(seconds * 1e9), done = 0, at = 0;
    while (done < limit && start < end) {
        memset(block, (int)(done & 255), 64);
        int code = write_block(descriptor, method, map, block, count, at);
        if (code != 0) return -code;
        int64_t now = croofline_now();
        latencies[done++] = now - start;
        start = now;
        at = at + 2 * count <= bytes ? at + count : 0;
    }
    return done;
}

static int64_t sync_writes(
    const char *path, int method, int64_t bytes, int64_t block, double seconds, int64_t limit,
    int64_t *latencies, int populates) {
    int flags = O_RDWR | O_CLOEXEC | (method == CROOFLINE_DIRECT_DSYNC ? O_DIRECT | O_DSYNC : 0);
    int descriptor = open(path, flags);
    if (descriptor < 0) return -errno;
    int64_t result = -ENOMEM;
    void *source = NULL, *map = MAP_FAILED;
    if (posix_memalign(&source, 4096, (size_t)block) == 0) {
        memset(source, 'a', (size_t)block);
        if (method == CROOFLINE_MMAP_MSYNC) {
            map = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
            if (map != MAP_FAILED && populates) {
                madvise(map, (size_t)bytes, populate_write);
                fdatasync(descriptor);
            }
        }
        if (method != CROOFLINE_MMAP_MSYNC || map != MAP_FAILED)
            result = write_blocks(
                descriptor, method, map, source, bytes, block, seconds, limit, latencies);
    }
    if (map != MAP_FAILED) munmap(map, (size_t)bytes);
    free(source);
    close(descriptor);
    return result;
}

int64_t croofline_sync_writes(
    const char *path, int method, int64_t bytes, int64_t block, double seconds, int64_t limit,
    int64_t *latencies) {
    return sync_writes(path, method, bytes, block, seconds, limit, latencies, 1);
}

int64_t croofline_sync_first_writes(
    const char *path, int method, int64_t bytes, int64_t block, double seconds, int64_t limit,
    int64_t *latencies) {
    return sync_writes(path, method, bytes, block, seconds, limit, latencies, 0);
}

static double write_on(int descriptor, const uint8_t *source, int64_t bytes, double seconds) {
    int64_t start = croofline_now(), end = start + (int64_t)(seconds * 1e9), done = 0, at = 0;
    for (int64_t step = 1; croofline_now() < end; step++) {
        if (pwrite(descriptor, source, step_bytes, at) != step_bytes) return -EIO;
        if (step % sync_steps == 0 && fdatasync(descriptor) != 0) return -errno;
        done += step_bytes;
        at = at + 2 * step_bytes <= bytes ? at + step_bytes : 0;
    }
    if (fdatasync(descriptor) != 0) return -errno;
    return (double)done * 1e9 / (double)(croofline_now() - start);
}

double croofline_sustained_write(const char *path, int64_t bytes, double seconds) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    uint8_t *source = malloc(step_bytes);
    double rate = -ENOMEM;
    if (source) {
        memset(source, 'a', step_bytes);
        rate = write_on(descriptor, source, bytes, seconds);
    }
    free(source);
    close(descriptor);
    return rate;
}

int croofline_evict(const char *path) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return errno;
    int code = fdatasync(descriptor) == 0
        ? posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) : errno;
    close(descriptor);
    return code;
}

int64_t croofline_read_file(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return -errno;
    uint8_t *target = malloc(step_bytes);
    int64_t done = target ? 0 : -ENOMEM;
    while (target) {
        ssize_t count = pread(descriptor, target, step_bytes, done);
        if (count == 0) break;
        if (count < 0) {
            done = -errno;
            break;
        }
        done += count;
    }
    free(target);
    close(descriptor);
    return done;
}
