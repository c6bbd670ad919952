// What a sync costs in blocks that were prepared in one way or another, each block written once.

#define _GNU_SOURCE
#include "croofline.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { step_bytes = 1 << 20 };

const char *croofline_preparation_name(int preparation) {
    switch (preparation) {
        case CROOFLINE_ALLOCATED: return "allocated";
        case CROOFLINE_ZEROED: return "zeroed";
        case CROOFLINE_RECYCLED: return "recycled and zeroed";
        default: return "unknown";
    }
}

// Past the page cache where the file system can do that.
static int open_direct(const char *path) {
    int descriptor = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
    return descriptor >= 0 ? descriptor : open(path, O_RDWR | O_CLOEXEC);
}

// All of the file, from front to back. 0 or an errno value.
static int fill(const char *path, int64_t bytes, int value) {
    void *source = NULL;
    if (posix_memalign(&source, 4096, step_bytes) != 0) return ENOMEM;
    memset(source, value, step_bytes);
    int descriptor = open_direct(path), code = descriptor < 0 ? errno : 0;
    for (int64_t at = 0; code == 0 && at < bytes; at += step_bytes) {
        const ssize_t count = pwrite(descriptor, source, step_bytes, at);
        if (count != step_bytes) code = count < 0 ? errno : ENOSPC;
    }
    if (code == 0 && fdatasync(descriptor) != 0) code = errno;
    if (descriptor >= 0) close(descriptor);
    free(source);
    return code;
}

static int allocate(const char *path, int64_t bytes) {
    int descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor < 0) return errno;
    int code = posix_fallocate(descriptor, 0, bytes);
    if (code == 0 && fdatasync(descriptor) != 0) code = errno;
    close(descriptor);
    return code;
}

int64_t croofline_prepare_as(const char *path, int preparation, int64_t bytes) {
    char old[4096];
    snprintf(old, sizeof old, "%s.old", path);
    int code = 0;
    if (preparation == CROOFLINE_RECYCLED) {
        // A log's file whose records are not wanted any more. That it was written is not in the
        // time.
        code = allocate(old, bytes);
        if (code == 0) code = fill(old, bytes, 'a');
    }
    const int64_t start = croofline_now();
    if (code == 0) {
        if (preparation == CROOFLINE_RECYCLED) code = rename(old, path) == 0 ? 0 : errno;
        else code = allocate(path, bytes);
    }
    if (code == 0 && preparation != CROOFLINE_ALLOCATED) code = fill(path, bytes, 0);
    return code == 0 ? croofline_now() - start : -code;
}
