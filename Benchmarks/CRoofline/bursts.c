// The device as a store flushes to it: so many bytes at once, at even times.

#define _GNU_SOURCE
#include "croofline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { step_bytes = 1 << 20 };

static void sleep_until(int64_t due) {
    int64_t left = due - croofline_now();
    if (left <= 0) return;
    struct timespec time = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
    nanosleep(&time, NULL);
}

// Writes `burst` bytes from `*at` on, again from the front where the file ends, and syncs them.
static int write_burst(
    int descriptor, const uint8_t *source, int64_t file_bytes, int64_t burst, int64_t *at) {
    while (burst > 0) {
        int64_t count = burst < step_bytes ? burst : step_bytes;
        if (*at + count > file_bytes) *at = 0;
        ssize_t written = pwrite(descriptor, source, (size_t)count, *at);
        if (written != count) return written < 0 ? errno : EIO;
        *at += count;
        burst -= count;
    }
    return fdatasync(descriptor) == 0 ? 0 : errno;
}

static int write_bursts(
    int descriptor, int64_t file_bytes, int64_t burst, int64_t interval, double seconds,
    int64_t *done) {
    uint8_t *source = malloc(step_bytes);
    if (!source) return ENOMEM;
    memset(source, 'b', step_bytes);
    int code = posix_fallocate(descriptor, 0, file_bytes);
    int64_t at = 0, due = croofline_now();
    const int64_t end = due + (int64_t)(seconds * 1e9);
    while (code == 0 && croofline_now() < end) {
        code = write_burst(descriptor, source, file_bytes, burst, &at);
        if (code == 0) *done += burst;
        due += interval;
        sleep_until(due < end ? due : end);
    }
    free(source);
    return code;
}

double croofline_burst_write(
    const char *path, int64_t file_bytes, int64_t burst, int64_t interval, double seconds) {
    // Whole, since what is written twice before a sync goes to the device once.
    int64_t whole = burst + step_bytes;
    if (file_bytes < whole) file_bytes = whole;
    int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return -errno;
    int64_t start = croofline_now(), done = 0;
    int code = write_bursts(descriptor, file_bytes, burst, interval, seconds, &done);
    double rate = (double)done * 1e9 / (double)(croofline_now() - start);
    close(descriptor);
    unlink(path);
    return code == 0 ? rate : -code;
}
