// What the machine can do: the same work as the store's, in C, without a store around it.
//
// SwiftPM compiles C with -O2 in release and lets a manifest ask for no more (`unsafeFlags` would
// bar the package as a dependency); `make bench` adds -O3 on the command line (`-Xcc -O3`). With
// Swift 6.3.1's clang the two give the same: 341 instructions for a record of 285 bytes, CRC and
// clock included (callgrind), and 44 ns on an AMD EPYC at 128 bytes of body, 150 ns at 1 KiB.
// gcc 12 -O3: 366 instructions, 44 and 158 ns.
#ifndef CROOFLINE_H
#define CROOFLINE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

// Files of equal length, mapped, that follow each other without a gap.
struct croofline_pieces {
    uint8_t *const *starts;
    int64_t count;
    // Of one piece.
    int64_t bytes;
};

// A log and one ConsumeQueue, as a store lays them out.
struct croofline_log {
    struct croofline_pieces segments;
    struct croofline_pieces queue;
    // Physical offset behind the last record, and queue offset behind the last entry.
    int64_t position;
    int64_t queue_offset;
};

// What every message has but its body, which is one of `body_kinds` that follow each other in
// memory and take turns: a number of bytes small enough to stay in the nearest cache.
struct croofline_message {
    const uint8_t *bodies;
    int32_t body_bytes;
    int32_t body_kinds;
    const uint8_t *topic;
    int32_t topic_bytes;
    const uint8_t *properties;
    int32_t properties_bytes;
    int32_t queue_id;
    int32_t flag;
    int32_t system_flag;
    uint32_t born_host;
    int32_t born_port;
    uint32_t store_host;
    int32_t store_port;
    int32_t reconsume_times;
    int64_t born_timestamp;
    int64_t prepared_transaction_offset;
    // The code of the TAGS in the properties, worked out beforehand.
    int64_t tags_code;
};

// 1 when this was compiled with optimisation, else 0: figures of a debug build mean nothing.
int croofline_is_optimized(void);

// Nanoseconds by the monotonic clock.
static inline int64_t croofline_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Bytes of a record of `message`.
int64_t croofline_record_bytes(const struct croofline_message *message);

// Writes one record (version 1, IPv4 hosts) at `target` and answers its length. The head goes in
// last. The body's checksum is computed here.
int64_t croofline_encode(
    uint8_t *target, const struct croofline_message *message, const uint8_t *body,
    int64_t physical_offset, int64_t queue_offset, int64_t store_timestamp);

// Appends `count` messages: record with CRC, store time, queue entry; a blank marker where a record
// does not fit. The clock is read once for `per_clock` messages. Answers how many fitted.
int64_t croofline_append(
    struct croofline_log *log, const struct croofline_message *message, int64_t count,
    int64_t per_clock);

// The same from several threads at a time, each place taken by a fetch-add on `log->queue_offset`.
// All records have one size, so the number of the message gives its place. Not published in order.
int64_t croofline_append_shared(
    struct croofline_log *log, const struct croofline_message *message, int64_t count);

// Many ConsumeQueues: `count` areas of `bytes` one behind the other, and the offset behind the last
// entry of each.
struct croofline_queues {
    uint8_t *areas;
    int64_t bytes;
    int64_t count;
    int64_t *offsets;
};

// The queue of message `number`, uniformly random. (The finaliser of splitmix64.)
static inline int64_t croofline_queue(int64_t number, int64_t queues) {
    uint64_t mixed = (uint64_t)number * 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return (int64_t)(((unsigned __int128)(mixed ^ (mixed >> 31)) * (uint64_t)queues) >> 64);
}

// `croofline_append` with a queue drawn for each `per_clock` messages, in one segment. `first` is
// the number of the first draw.
int64_t croofline_append_queues(
    struct croofline_log *log, const struct croofline_queues *queues,
    const struct croofline_message *message, int64_t first, int64_t count, int64_t per_clock);

// Copies `count` records of `record_bytes` from `source` (`kinds` that take turns) into the
// segments.
int64_t croofline_copy(
    struct croofline_log *log, const uint8_t *source, int64_t record_bytes, int64_t kinds,
    int64_t count);

// Reads `count` messages from queue offset `first` on: queue entry, record, its magic number, its
// position and the CRC of its body. Answers how many were right.
int64_t croofline_walk(const struct croofline_log *log, int64_t first, int64_t count);

// An IndexFile, mapped.
struct croofline_index {
    const uint8_t *bytes;
    int64_t slots;
    int64_t entries;
};

// Finds the newest message with `key`: hash, slot, chain, record, the KEYS property compared.
// `text` is "topic#key", of which the last `key_bytes` are the key. Answers its physical offset,
// or -1.
int64_t croofline_lookup(
    const struct croofline_index *index, const struct croofline_log *log, const uint8_t *text,
    int64_t text_bytes, int64_t key_bytes);

// Reads all bytes, eight at a time.
uint64_t croofline_sum(const uint8_t *bytes, int64_t count);

// Hands `count` stamps from one thread to another through a cache line, one each `interval`
// nanoseconds; latencies[i] is the time until the other thread has read stamp i. 0 or an errno
// value.
int croofline_hand_over(int64_t count, int64_t interval, int64_t *latencies);

// Opens every file below `path`, asks for its length, reads its last 20 bytes and closes it.
// Answers how many there were, or -1.
int64_t croofline_visit(const char *path);

// What happened to a thread so far: page faults, sleeps, and processors taken away.
struct croofline_usage {
    int64_t faults;
    int64_t waits;
    int64_t preemptions;
};

struct croofline_usage croofline_thread_usage(void);

// Ways to make a written block durable.
enum croofline_method {
    CROOFLINE_PWRITE_FDATASYNC,
    CROOFLINE_PWRITE_DSYNC,
    CROOFLINE_DIRECT_DSYNC,
    CROOFLINE_MMAP_MSYNC,
    CROOFLINE_METHODS,
};

// The name of a method.
const char *croofline_method_name(int method);

// Makes a file of `bytes` whose blocks are allocated, written once and durable. 0, or an errno
// value.
int croofline_prepare(const char *path, int64_t bytes);

// Writes blocks of `block` bytes one behind the other into the prepared file, each made durable
// before the next, for `seconds` or `limit` blocks; latencies[i] in nanoseconds. Answers how many,
// or the negated errno value.
int64_t croofline_sync_writes(
    const char *path, int method, int64_t bytes, int64_t block, double seconds, int64_t limit,
    int64_t *latencies);

// The same, but no page is brought in before, so that the blocks stay as they were prepared.
int64_t croofline_sync_first_writes(
    const char *path, int method, int64_t bytes, int64_t block, double seconds, int64_t limit,
    int64_t *latencies);

// What a group commit came to: messages a second, messages that shared a sync, and nanoseconds from
// an append to its acknowledgement, in the mean.
struct croofline_commits {
    double per_second;
    double per_sync;
    double mean_nanoseconds;
};

// One thread appends records of `message` to memory, with `in_flight` of them not acknowledged at
// most, and sleeps until a quarter is. Another writes what has come to the prepared file of `bytes`
// (whole pages, and a record at least) as whole pages, by pwritev2 with RWF_DSYNC, and acknowledges
// it; with `gathers` it waits before that until as many have come as it acknowledged last, for half
// of a short sync at most. Both for `seconds`. 0 or an errno value: EOPNOTSUPP where there is no
// RWF_DSYNC.
int croofline_commit(
    const char *path, int64_t bytes, const struct croofline_message *message, int64_t in_flight,
    int gathers, double seconds, struct croofline_commits *result);

// How blocks come to be before a record is written there.
enum croofline_preparation {
    CROOFLINE_ALLOCATED,
    CROOFLINE_ZEROED,
    CROOFLINE_RECYCLED,
    CROOFLINE_PREPARATIONS,
};

const char *croofline_preparation_name(int preparation);

// Makes a file of `bytes`, whole megabytes, that is prepared in one of these ways, durably. Answers
// the nanoseconds that took, or a negated errno value.
int64_t croofline_prepare_as(const char *path, int preparation, int64_t bytes);

// Writes the prepared file from front to back, again and again, for `seconds`; it is synced each
// 32 MiB and at the end. Answers bytes a second, or the negated errno value.
double croofline_sustained_write(const char *path, int64_t bytes, double seconds);

// Writes new files `prefix.0`, `prefix.1` and so on, allocated before they are written, once each
// from front to back, for `seconds` or until `limit` bytes are written; each is synced each 32 MiB
// and at its end. Removes them. Answers bytes a second, or a negated errno value.
double croofline_sequential_write(
    const char *prefix, int64_t file_bytes, int64_t limit, double seconds);

// Writes `burst` bytes into an allocated file of `file_bytes`, or of a burst where that is more,
// each `interval` nanoseconds, from its front again where it ends, and syncs them, for `seconds`;
// removes the file. A burst that is not through when the next one is due is followed by it at once.
// Answers bytes a second, or a negated errno value.
double croofline_burst_write(
    const char *path, int64_t file_bytes, int64_t burst, int64_t interval, double seconds);

// Drops a file's pages from the page cache, after a sync. 0 or an errno value.
int croofline_evict(const char *path);

// Reads a file from front to back, 1 MiB at a time. Answers bytes read, or the negated errno value.
int64_t croofline_read_file(const char *path);

#endif
