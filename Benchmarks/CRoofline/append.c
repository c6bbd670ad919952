// The append loops: what a store does for a message, and a bare copy of as many bytes.

#include "croofline.h"

#include <capus.h>
#include <stdatomic.h>
#include <string.h>

enum {
    record_magic = 0xDAA320A7,
    blank_magic = 0xCBD43194,
    fixed_bytes = 91,
    blank_bytes = 8,
    unit_bytes = 20,
};

int croofline_is_optimized(void) {
#ifdef __OPTIMIZE__
    return 1;
#else
    return 0;
#endif
}

static inline void put16(uint8_t *target, uint16_t value) {
    value = __builtin_bswap16(value);
    memcpy(target, &value, sizeof value);
}

static inline void put32(uint8_t *target, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(target, &value, sizeof value);
}

static inline void put64(uint8_t *target, uint64_t value) {
    value = __builtin_bswap64(value);
    memcpy(target, &value, sizeof value);
}

static inline int64_t wall_milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t croofline_record_bytes(const struct croofline_message *message) {
    return fixed_bytes + (int64_t)message->body_bytes + message->topic_bytes +
           message->properties_bytes;
}

static inline int64_t encode(
    uint8_t *target, const struct croofline_message *message, const uint8_t *body,
    int64_t physical_offset, int64_t queue_offset, int64_t store_timestamp) {
    put32(target + 8, capus_crc32(0, body, (size_t)message->body_bytes) & 0x7FFFFFFF);
    put32(target + 12, (uint32_t)message->queue_id);
    put32(target + 16, (uint32_t)message->flag);
    put64(target + 20, (uint64_t)queue_offset);
    put64(target + 28, (uint64_t)physical_offset);
    put32(target + 36, (uint32_t)message->system_flag);
    put64(target + 40, (uint64_t)message->born_timestamp);
    put32(target + 48, message->born_host);
    put32(target + 52, (uint32_t)message->born_port);
    put64(target + 56, (uint64_t)store_timestamp);
    put32(target + 64, message->store_host);
    put32(target + 68, (uint32_t)message->store_port);
    put32(target + 72, (uint32_t)message->reconsume_times);
    put64(target + 76, (uint64_t)message->prepared_transaction_offset);
    put32(target + 84, (uint32_t)message->body_bytes);
    uint8_t *at = target + 88;
    memcpy(at, body, (size_t)message->body_bytes);
    at += message->body_bytes;
    *at++ = (uint8_t)message->topic_bytes;
    memcpy(at, message->topic, (size_t)message->topic_bytes);
    at += message->topic_bytes;
    put16(at, (uint16_t)message->properties_bytes);
    memcpy(at + 2, message->properties, (size_t)message->properties_bytes);
    at += 2 + message->properties_bytes;
    put64(target, (uint64_t)(at - target) << 32 | record_magic);
    return at - target;
}

int64_t croofline_encode(
    uint8_t *target, const struct croofline_message *message, const uint8_t *body,
    int64_t physical_offset, int64_t queue_offset, int64_t store_timestamp) {
    return encode(target, message, body, physical_offset, queue_offset, store_timestamp);
}

static inline void put_unit(uint8_t *target, int64_t position, int64_t size, int64_t tags_code) {
    put64(target, (uint64_t)position);
    put32(target + 8, (uint32_t)size);
    put64(target + 12, (uint64_t)tags_code);
}

static void put_blank(uint8_t *target, int64_t room) {
    put64(target, (uint64_t)room << 32 | blank_magic);
}

int64_t croofline_append(
    struct croofline_log *log, const struct croofline_message *message, int64_t count,
    int64_t per_clock) {
    const struct croofline_pieces segments = log->segments, queue = log->queue;
    const int64_t size = croofline_record_bytes(message);
    int64_t segment = log->position / segments.bytes, at = log->position % segments.bytes;
    int64_t units = queue.bytes / unit_bytes, file = log->queue_offset / units;
    int64_t unit = log->queue_offset % units, kind = 0, until_clock = 0, now = 0, done = 0;
    for (; done < count; done++) {
        if (at + size + blank_bytes > segments.bytes) {
            if (segment + 1 == segments.count) break;
            put_blank(segments.starts[segment] + at, segments.bytes - at);
            segment++;
            at = 0;
        }
        if (unit == units) {
            if (file + 1 == queue.count) break;
            file++;
            unit = 0;
        }
        if (until_clock-- == 0) {
            now = wall_milliseconds();
            until_clock = per_clock - 1;
        }
        int64_t position = segment * segments.bytes + at;
        encode(
            segments.starts[segment] + at, message, message->bodies + kind * message->body_bytes,
            position, file * units + unit, now);
        put_unit(
            queue.starts[file] + unit * unit_bytes, position, size, message->tags_code);
        at += size;
        unit++;
        if (++kind == message->body_kinds) kind = 0;
    }
    log->position = segment * segments.bytes + at;
    log->queue_offset = file * units + unit;
    return done;
}

int64_t croofline_append_queues(
    struct croofline_log *log, const struct croofline_queues *queues,
    const struct croofline_message *message, int64_t first, int64_t count, int64_t per_clock) {
    const int64_t size = croofline_record_bytes(message), room = log->segments.bytes;
    const int64_t units = queues->bytes / unit_bytes;
    int64_t at = log->position, queue = 0, kind = 0, until_clock = 0, now = 0, done = 0;
    for (; done < count; done++) {
        if (at + size + blank_bytes > room) break;
        if (until_clock-- == 0) {
            now = wall_milliseconds();
            until_clock = per_clock - 1;
            queue = croofline_queue(first++, queues->count);
        }
        int64_t unit = queues->offsets[queue];
        if (unit == units) break;
        encode(
            log->segments.starts[0] + at, message, message->bodies + kind * message->body_bytes,
            at, unit, now);
        put_unit(
            queues->areas + queue * queues->bytes + unit * unit_bytes, at, size,
            message->tags_code);
        queues->offsets[queue] = unit + 1;
        at += size;
        if (++kind == message->body_kinds) kind = 0;
    }
    log->position = at;
    return done;
}

int64_t croofline_append_shared(
    struct croofline_log *log, const struct croofline_message *message, int64_t count) {
    const struct croofline_pieces segments = log->segments, queue = log->queue;
    const int64_t size = croofline_record_bytes(message);
    const int64_t in_segment = (segments.bytes - blank_bytes) / size;
    const int64_t units = queue.bytes / unit_bytes;
    _Atomic int64_t *next = (_Atomic int64_t *)&log->queue_offset;
    int64_t kind = 0, done = 0;
    for (; done < count; done++) {
        int64_t number = atomic_fetch_add_explicit(next, 1, memory_order_relaxed);
        int64_t segment = number / in_segment, at = number % in_segment * size;
        if (segment >= segments.count || number / units >= queue.count) break;
        int64_t position = segment * segments.bytes + at;
        encode(
            segments.starts[segment] + at, message, message->bodies + kind * message->body_bytes,
            position, number, wall_milliseconds());
        if (number % in_segment == in_segment - 1)
            put_blank(segments.starts[segment] + at + size, segments.bytes - at - size);
        put_unit(
            queue.starts[number / units] + number % units * unit_bytes, position, size,
            message->tags_code);
        if (++kind == message->body_kinds) kind = 0;
    }
    return done;
}

int64_t croofline_copy(
    struct croofline_log *log, const uint8_t *source, int64_t record_bytes, int64_t kinds,
    int64_t count) {
    const struct croofline_pieces segments = log->segments;
    int64_t segment = log->position / segments.bytes, at = log->position % segments.bytes;
    int64_t kind = 0, done = 0;
    for (; done < count; done++) {
        if (at + record_bytes + blank_bytes > segments.bytes) {
            if (segment + 1 == segments.count) break;
            segment++;
            at = 0;
        }
        memcpy(
            segments.starts[segment] + at, source + kind * record_bytes, (size_t)record_bytes);
        at += record_bytes;
        if (++kind == kinds) kind = 0;
    }
    log->position = segment * segments.bytes + at;
    return done;
}
