// The raw device under a log: new files, one behind the other, of which each byte is written once.

#define _GNU_SOURCE
#include "croofline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { step_bytes = 1 << 20, sync_steps = 32 };

struct log {
    const char *prefix;
    int64_t file_bytes, limit, end;
    int64_t done;
    int files;
};

static void name_file(const struct log *log, int number, char *path, size_t room) {
    snprintf(path, room, "%s.%d", log->prefix, number);
}

// Fills one file, or as much of it as there is time for. 0 or an errno value.
static int fill_file(struct log *log, int descriptor, const uint8_t *source) {
    int code = posix_fallocate(descriptor, 0, log->file_bytes);
    if (code != 0) return code;
    int64_t at = 0;
    for (int step = 1; at + step_bytes <= log->file_bytes; step++) {
        if (croofline_now() >= log->end || log->done + step_bytes > log->limit) break;
        ssize_t written = pwrite(descriptor, source, step_bytes, at);
        if (written != step_bytes) return written < 0 ? errno : EIO;
        if (step % sync_steps == 0 && fdatasync(descriptor) != 0) return errno;
        at += step_bytes;
        log->done += step_bytes;
    }
    return fdatasync(descriptor) == 0 ? 0 : errno;
}

static int write_files(struct log *log, const uint8_t *source) {
    char path[4096];
    while (croofline_now() < log->end && log->done + step_bytes <= log->limit) {
        name_file(log, log->files, path, sizeof path);
        int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (descriptor < 0) return errno;
        log->files++;
        int code = fill_file(log, descriptor, source);
        close(descriptor);
        if (code != 0) return code;
    }
    return 0;
}

double croofline_sequential_write(
    const char *prefix, int64_t file_bytes, int64_t limit, double seconds) {
    uint8_t *source = malloc(step_bytes);
    if (!source) return -ENOMEM;
    memset(source, 'a', step_bytes);
    int64_t start = croofline_now();
    struct log log = {
        .prefix = prefix, .file_bytes = file_bytes < step_bytes ? step_bytes : file_bytes,
        .limit = limit, .end = start + (int64_t)(seconds * 1e9)};
    int code = write_files(&log, source);
    double rate = (double)log.done * 1e9 / (double)(croofline_now() - start);
    char path[4096];
    for (int number = 0; number < log.files; number++) {
        name_file(&log, number, path, sizeof path);
        unlink(path);
    }
    free(source);
    return code == 0 ? rate : -code;
}
