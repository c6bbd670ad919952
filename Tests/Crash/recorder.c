// A disk that remembers: one image file, served through FUSE to a loop device, with every write and
// flush kept in order. From that record any moment's crash can be made again.
//
//     recorder IMAGE LOG COUNTER MOUNTPOINT [data|any N]
//
// MOUNTPOINT/disk is the image. LOG is a row of events: three little-endian words (kind, offset,
// length), behind a write its bytes. COUNTER is two words that others may read at any time: the
// events that are complete, and the writes that have failed. With `data N` the Nth write that
// holds a message of crash-writer fails with EIO, with `any N` the Nth write of all, once; a failed
// write changes nothing. One thread serves all requests: the order of the events is that of the
// answers.
#define _GNU_SOURCE
#define FUSE_USE_VERSION 31
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVENT_WRITE = 1, EVENT_FLUSH = 2 };

static int image, record;
static off_t image_size;
static volatile uint64_t *counter; // Events that are complete, writes that failed.
static long fail_in = -1;          // Writes to go until one fails; negative: none will.
static int fails_any;

static const char disk_path[] = "/disk";
static const char marker[] = "APUSCRSH"; // Tests/CrashWriter/Payload.swift

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void append(const void *bytes, size_t count) {
    const char *from = bytes;
    while (count > 0) {
        ssize_t done = write(record, from, count);
        if (done <= 0) die("recorder: log");
        from += done;
        count -= (size_t)done;
    }
}

static void note(uint64_t kind, uint64_t offset, const void *bytes, uint64_t count) {
    uint64_t head[3] = {kind, offset, count};
    append(head, sizeof head);
    if (count > 0) append(bytes, count);
    __atomic_store_n(&counter[0], counter[0] + 1, __ATOMIC_RELEASE);
}

static int disk_getattr(const char *path, struct stat *status, struct fuse_file_info *info) {
    (void)info;
    memset(status, 0, sizeof *status);
    if (strcmp(path, "/") == 0) {
        status->st_mode = S_IFDIR | 0755;
        status->st_nlink = 2;
        return 0;
    }
    if (strcmp(path, disk_path) != 0) return -ENOENT;
    status->st_mode = S_IFREG | 0600;
    status->st_nlink = 1;
    status->st_size = image_size;
    return 0;
}

static int disk_open(const char *path, struct fuse_file_info *info) {
    if (strcmp(path, disk_path) != 0) return -ENOENT;
    info->direct_io = 1; // Nothing is held back above this program.
    return 0;
}

static int disk_read(const char *path, char *bytes, size_t count, off_t offset,
                     struct fuse_file_info *info) {
    (void)path, (void)info;
    ssize_t got = pread(image, bytes, count, offset);
    return got < 0 ? -errno : (int)got;
}

static int shall_fail(const char *bytes, size_t count) {
    if (fail_in < 0) return 0;
    if (!fails_any && memmem(bytes, count, marker, sizeof marker - 1) == NULL) return 0;
    return --fail_in < 0;
}

static int disk_write(const char *path, const char *bytes, size_t count, off_t offset,
                      struct fuse_file_info *info) {
    (void)path, (void)info;
    if (shall_fail(bytes, count)) {
        __atomic_store_n(&counter[1], counter[1] + 1, __ATOMIC_RELEASE);
        return -EIO;
    }
    if (pwrite(image, bytes, count, offset) != (ssize_t)count) return -EIO;
    note(EVENT_WRITE, (uint64_t)offset, bytes, count);
    return (int)count;
}

static int disk_fsync(const char *path, int data_only, struct fuse_file_info *info) {
    (void)path, (void)data_only, (void)info;
    note(EVENT_FLUSH, 0, NULL, 0);
    return 0;
}

// Without this a loop device would punch holes, which are no events.
static int disk_fallocate(const char *path, int mode, off_t offset, off_t length,
                          struct fuse_file_info *info) {
    (void)path, (void)mode, (void)offset, (void)length, (void)info;
    return -EOPNOTSUPP;
}

static const struct fuse_operations operations = {
    .getattr = disk_getattr, .open = disk_open, .read = disk_read, .write = disk_write,
    .fsync = disk_fsync, .fallocate = disk_fallocate,
};

int main(int count, char **words) {
    if (count != 5 && count != 7) {
        fprintf(stderr, "usage: recorder IMAGE LOG COUNTER MOUNTPOINT [data|any N]\n");
        return 2;
    }
    if (count == 7) {
        fails_any = strcmp(words[5], "any") == 0;
        fail_in = atol(words[6]);
    }
    struct stat status;
    image = open(words[1], O_RDWR | O_CLOEXEC);
    if (image < 0 || fstat(image, &status) != 0) die(words[1]);
    image_size = status.st_size;
    record = open(words[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (record < 0) die(words[2]);
    int numbers = open(words[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (numbers < 0 || ftruncate(numbers, 16) != 0) die(words[3]);
    void *shared = mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, numbers, 0);
    if (shared == MAP_FAILED) die("recorder: counter");
    counter = shared;
    char *arguments[] = {words[0], "-f", "-s", words[4]};
    return fuse_main(4, arguments, &operations, NULL);
}
