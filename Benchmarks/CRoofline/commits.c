// Group commit in C: one thread keeps so many messages in flight, another makes durable what has
// come and acknowledges it. What two threads that hand over to each other come to, on this machine.

#define _GNU_SOURCE
#include "croofline.h"

#include <capus.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { page_bytes = 4096 };

// What a thread sleeps on; nobody is missed between `rings` and the sleep.
struct bell {
    _Alignas(64) _Atomic uint32_t rings;
    _Atomic int32_t sleepers;
};

struct commits {
    int descriptor;
    int gathers;
    uint8_t *memory;
    // Of a lap through the file, in whole records.
    int64_t lap_bytes;
    int64_t record_bytes;
    int64_t in_flight;
    // In flight when who sleeps is woken: a quarter fewer. Woken for each one, it would do nothing
    // but wake.
    int64_t enough;
    // When each message in flight was appended.
    int64_t *called;
    struct bell wanted, gathered, landed;
    _Alignas(64) _Atomic int64_t published;
    // As many as the other thread waits for.
    _Atomic int64_t awaited;
    _Alignas(64) _Atomic int64_t acknowledged;
    _Atomic int failure;
    _Atomic int is_done;
    // Of the thread that commits.
    int64_t syncs;
    int64_t shortest;
    int64_t waited;
};

static void ring(struct bell *bell) {
    atomic_fetch_add(&bell->rings, 1);
    if (atomic_load(&bell->sleepers) > 0) capus_futex_wake((const uint32_t *)&bell->rings, 1);
}

static void sleep_at(struct bell *bell, uint32_t seen, int64_t nanoseconds) {
    atomic_fetch_add(&bell->sleepers, 1);
    if (atomic_load(&bell->rings) == seen)
        capus_futex_wait((const uint32_t *)&bell->rings, seen, nanoseconds);
    atomic_fetch_sub(&bell->sleepers, 1);
}

// Waits until `count` messages have come, half of a short sync at most.
static void gather(struct commits *commits, int64_t count) {
    int64_t end = croofline_now() + commits->shortest / 2;
    atomic_store(&commits->awaited, count);
    while (1) {
        uint32_t seen = atomic_load(&commits->gathered.rings);
        int64_t left = end - croofline_now();
        if (atomic_load(&commits->published) >= count || left <= 0) break;
        sleep_at(&commits->gathered, seen, left);
    }
    atomic_store(&commits->awaited, INT64_MAX);
}

static int make_durable(struct commits *commits, int64_t first, int64_t end) {
    int64_t from = first * commits->record_bytes % commits->lap_bytes;
    int64_t to = from + (end - first) * commits->record_bytes;
    from -= from % page_bytes;
    to = (to + page_bytes - 1) / page_bytes * page_bytes;
    struct iovec part = {
        .iov_base = commits->memory + from, .iov_len = (size_t)(to - from)};
    int64_t start = croofline_now();
    ssize_t count = pwritev2(commits->descriptor, &part, 1, from, RWF_DSYNC);
    if (count != to - from) return count < 0 ? errno : EIO;
    int64_t took = croofline_now() - start, slack = commits->shortest / 64 + 1;
    if (commits->shortest == 0 || took < commits->shortest + slack) commits->shortest = took;
    else commits->shortest += slack;
    commits->syncs++;
    return 0;
}

static void *commit(void *argument) {
    struct commits *commits = argument;
    int64_t done = 0, last = 0;
    while (1) {
        uint32_t seen = atomic_load(&commits->wanted.rings);
        if (atomic_load(&commits->published) == done) {
            if (atomic_load(&commits->is_done)) return NULL;
            sleep_at(&commits->wanted, seen, -1);
            continue;
        }
        if (commits->gathers && last > 1) gather(commits, done + last);
        int64_t end = atomic_load(&commits->published);
        int code = make_durable(commits, done, end);
        if (code != 0) {
            atomic_store(&commits->failure, code);
            ring(&commits->landed);
            return NULL;
        }
        last = end - done;
        while (done < end) {
            commits->waited += croofline_now() - commits->called[done % commits->in_flight];
            done = atomic_fetch_add(&commits->acknowledged, 1) + 1;
            int64_t left = atomic_load(&commits->published) - done;
            if (left == commits->enough || left == 0) ring(&commits->landed);
        }
    }
}

// Waits until at most so many are in flight; 0 or an errno value.
static int await(struct commits *commits, int64_t published, int64_t most) {
    while (1) {
        uint32_t seen = atomic_load(&commits->landed.rings);
        int code = atomic_load(&commits->failure);
        if (code != 0 || published - atomic_load(&commits->acknowledged) <= most) return code;
        sleep_at(&commits->landed, seen, -1);
    }
}

static int append_all(
    struct commits *commits, const struct croofline_message *message, double seconds,
    int64_t *count) {
    int64_t end = croofline_now() + (int64_t)(seconds * 1e9), number = 0;
    int code = 0;
    for (int64_t now = 0; code == 0 && (now = croofline_now()) < end; number++) {
        int64_t position = number * commits->record_bytes;
        // A range that is made durable does not go from the file's end to its front.
        if (position % commits->lap_bytes == 0) code = await(commits, number, 0);
        if (number - atomic_load(&commits->acknowledged) >= commits->in_flight)
            code = await(commits, number, commits->enough);
        if (code != 0) break;
        commits->called[number % commits->in_flight] = now;
        croofline_encode(
            commits->memory + position % commits->lap_bytes, message,
            message->bodies + number % message->body_kinds * message->body_bytes, position, number,
            now / 1000000);
        atomic_store(&commits->published, number + 1);
        if (number + 1 == atomic_load(&commits->awaited)) ring(&commits->gathered);
        ring(&commits->wanted);
    }
    *count = number;
    return code == 0 ? await(commits, number, 0) : code;
}

static int run(
    struct commits *commits, const struct croofline_message *message, double seconds,
    struct croofline_commits *result) {
    pthread_t thread;
    int code = pthread_create(&thread, NULL, commit, commits);
    if (code != 0) return code;
    int64_t start = croofline_now(), count = 0;
    code = append_all(commits, message, seconds, &count);
    int64_t took = croofline_now() - start;
    atomic_store(&commits->is_done, 1);
    ring(&commits->wanted);
    pthread_join(thread, NULL);
    if (code != 0 || count == 0) return code != 0 ? code : EAGAIN;
    result->per_second = (double)count * 1e9 / (double)took;
    result->per_sync = (double)count / (double)commits->syncs;
    result->mean_nanoseconds = (double)commits->waited / (double)count;
    return 0;
}

int croofline_commit(
    const char *path, int64_t bytes, const struct croofline_message *message, int64_t in_flight,
    int gathers, double seconds, struct croofline_commits *result) {
    const int64_t record_bytes = croofline_record_bytes(message);
    if (in_flight < 1 || bytes < record_bytes || bytes % page_bytes != 0) return EINVAL;
    void *own = NULL, *memory = NULL;
    if (posix_memalign(&own, 64, sizeof(struct commits)) != 0) return ENOMEM;
    struct commits *commits = own;
    memset(commits, 0, sizeof *commits);
    commits->gathers = gathers;
    commits->in_flight = in_flight;
    commits->enough = in_flight - (in_flight / 4 > 0 ? in_flight / 4 : 1);
    commits->awaited = INT64_MAX;
    commits->record_bytes = record_bytes;
    commits->lap_bytes = bytes / record_bytes * record_bytes;
    commits->called = calloc((size_t)in_flight, sizeof(int64_t));
    int code = posix_memalign(&memory, page_bytes, (size_t)bytes);
    commits->memory = memory;
    commits->descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (commits->descriptor < 0 && code == 0) code = errno;
    if (code == 0 && commits->called) {
        memset(memory, 0, (size_t)bytes);
        code = run(commits, message, seconds, result);
    } else if (code == 0) {
        code = ENOMEM;
    }
    if (commits->descriptor >= 0) close(commits->descriptor);
    free(memory);
    free(commits->called);
    free(commits);
    return code;
}
