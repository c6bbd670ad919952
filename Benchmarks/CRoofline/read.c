// The read loops: a queue from front to back, one message by its key, and bare memory.

#include "croofline.h"

#include <capus.h>
#include <string.h>

enum {
    record_magic = 0xDAA320A7,
    unit_bytes = 20,
    least_record = 91,
    index_head = 40,
    // A chain longer than this is a loop.
    chain_limit = 1000,
};

static inline uint32_t get32(const uint8_t *source) {
    uint32_t value;
    memcpy(&value, source, sizeof value);
    return __builtin_bswap32(value);
}

static inline int64_t get64(const uint8_t *source) {
    uint64_t value;
    memcpy(&value, source, sizeof value);
    return (int64_t)__builtin_bswap64(value);
}

// The record at `position`, when a whole one is there.
static inline const uint8_t *record_at(
    const struct croofline_pieces *segments, int64_t position, uint32_t *size) {
    if (position < 0 || position / segments->bytes >= segments->count) return NULL;
    int64_t at = position % segments->bytes;
    if (at + least_record > segments->bytes) return NULL;
    const uint8_t *record = segments->starts[position / segments->bytes] + at;
    *size = get32(record);
    int fits = *size >= least_record && at + (int64_t)*size <= segments->bytes;
    int is_record = get32(record + 4) == record_magic && get64(record + 28) == position;
    return fits && is_record ? record : NULL;
}

int64_t croofline_walk(const struct croofline_log *log, int64_t first, int64_t count) {
    const struct croofline_pieces segments = log->segments, queue = log->queue;
    int64_t units = queue.bytes / unit_bytes, file = first / units, unit = first % units;
    int64_t right = 0;
    for (int64_t done = 0; done < count; done++, unit++) {
        if (unit == units) {
            file++;
            unit = 0;
        }
        if (file >= queue.count) break;
        const uint8_t *entry = queue.starts[file] + unit * unit_bytes;
        uint32_t size;
        const uint8_t *record = record_at(&segments, get64(entry), &size);
        if (!record || size != get32(entry + 8)) continue;
        uint32_t body_bytes = get32(record + 84);
        if (body_bytes > size - least_record) continue;
        uint32_t crc = capus_crc32(0, record + 88, body_bytes) & 0x7FFFFFFF;
        right += crc == get32(record + 8);
    }
    return right;
}

// Java's hash of ASCII text, without its sign.
static uint32_t hash_of(const uint8_t *text, int64_t count) {
    uint32_t hash = 0;
    for (int64_t at = 0; at < count; at++) hash = 31 * hash + text[at];
    int32_t value = (int32_t)hash;
    return value == INT32_MIN ? 0 : (uint32_t)(value < 0 ? -value : value);
}

// Whether the record has `key` as one of the words in its KEYS.
static int has_key(const uint8_t *record, uint32_t size, const uint8_t *key, int64_t key_bytes) {
    uint32_t body_bytes = get32(record + 84);
    if (body_bytes > size - least_record) return 0;
    const uint8_t *at = record + 88 + body_bytes, *end = record + size;
    at += 1 + *at + 2;
    while (at < end) {
        const uint8_t *stop = memchr(at, 2, (size_t)(end - at));
        if (!stop) stop = end;
        if (stop - at > 5 && memcmp(at, "KEYS\1", 5) == 0) {
            for (const uint8_t *word = at + 5; word < stop;) {
                const uint8_t *space = memchr(word, ' ', (size_t)(stop - word));
                if (!space) space = stop;
                if (space - word == key_bytes && memcmp(word, key, (size_t)key_bytes) == 0)
                    return 1;
                word = space + 1;
            }
        }
        at = stop + 1;
    }
    return 0;
}

int64_t croofline_lookup(
    const struct croofline_index *index, const struct croofline_log *log, const uint8_t *text,
    int64_t text_bytes, int64_t key_bytes) {
    uint32_t hash = hash_of(text, text_bytes);
    const uint8_t *slots = index->bytes + index_head, *entries = slots + index->slots * 4;
    uint32_t number = get32(slots + (int64_t)(hash % (uint64_t)index->slots) * 4);
    for (int step = 0; step < chain_limit && number > 0 && number < index->entries; step++) {
        const uint8_t *entry = entries + (int64_t)number * unit_bytes;
        if (get32(entry) == hash) {
            int64_t position = get64(entry + 4);
            uint32_t size;
            const uint8_t *record = record_at(&log->segments, position, &size);
            if (record && has_key(record, size, text + text_bytes - key_bytes, key_bytes)) {
                uint32_t crc = capus_crc32(0, record + 88, get32(record + 84)) & 0x7FFFFFFF;
                return crc == get32(record + 8) ? position : -1;
            }
        }
        number = get32(entry + 16);
    }
    return -1;
}

uint64_t croofline_sum(const uint8_t *bytes, int64_t count) {
    uint64_t sums[4] = {0, 0, 0, 0};
    int64_t at = 0;
    for (; at + 32 <= count; at += 32)
        for (int lane = 0; lane < 4; lane++) {
            uint64_t word;
            memcpy(&word, bytes + at + lane * 8, sizeof word);
            sums[lane] += word;
        }
    for (; at < count; at++) sums[0] += bytes[at];
    return sums[0] + sums[1] + sums[2] + sums[3];
}
