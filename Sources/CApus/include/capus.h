// What Swift cannot import or express: variadic system calls, futexes, a handler of SIGBUS, CRC-32
// with carry-less multiplication chosen at run time, and what has to be inlined as machine code.
#ifndef CAPUS_H
#define CAPUS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

// CRC-32 (IEEE 802.3, reflected, as zlib and java.util.zip.CRC32 compute it) of `count` bytes,
// continuing from `crc` (0 to start).
uint32_t capus_crc32(uint32_t crc, const void *bytes, size_t count);

// The name of the widest form that capus_crc32 uses on this processor, for the lengths that pay:
// "portable", "pclmul", "vpclmulqdq256" or "vpclmulqdq".
const char *capus_crc32_implementation(void);

// One form of capus_crc32, which gives the same results at any length.
typedef uint32_t (*capus_crc32_form)(uint32_t crc, const void *bytes, size_t count);

// The form called `name`; NULL when there is none or the processor cannot run it. "portable", the
// one with tables, is always there.
capus_crc32_form capus_crc32_named(const char *name);

// FUTEX_WAIT on *word while it equals `expected`, at most `timeout_ns` nanoseconds (negative: for
// ever). 0 when woken, else an errno value (EAGAIN, EINTR, ETIMEDOUT).
int capus_futex_wait(const uint32_t *word, uint32_t expected, int64_t timeout_ns);

// FUTEX_WAKE: wakes at most `count` waiters.
void capus_futex_wake(const uint32_t *word, int32_t count);

// Prepares capus_barrier_everywhere for this process; 0, or an errno value where the kernel has no
// membarrier(2).
int capus_register_barrier(void);

// Makes every running thread of the process pass a full memory barrier.
void capus_barrier_everywhere(void);

// Milliseconds since 1970 by the wall clock, read anew at each millisecond: in between the
// processor's time-stamp counter, a third of the price, says that it is the same one still.
int64_t capus_wall_milliseconds(void);

// A number that no other thread of the process has as long as this one runs.
static inline uintptr_t capus_thread_mark(void) {
    return (uintptr_t)__builtin_thread_pointer();
}

// Three numbers that the calling thread keeps for itself; 0 at first.
struct capus_share {
    int64_t start;
    int64_t used;
    int64_t length;
};
struct capus_share capus_own_share(void);
void capus_keep_share(struct capus_share share);

// A hint to the processor that this is a spin loop.
void capus_spin_hint(void);

// open(2) with O_CLOEXEC added; a file descriptor, or the negated errno.
int capus_open(const char *path, int flags, uint32_t mode);

// Takes an exclusive open-file-description lock on [0, 1) without waiting. It conflicts with the
// POSIX lock that Java takes on the same byte. 0, or an errno value.
int capus_lock_first_byte(int descriptor);

// Whether someone else holds a lock on [0, 1): 1 or 0, or a negated errno. Takes nothing.
int capus_first_byte_is_locked(int descriptor);

// Gives that lock up, for children that inherited the descriptor between fork and exec too.
void capus_unlock_first_byte(int descriptor);

// fallocate(2) with `mode`; 0, or an errno value.
int capus_fallocate(int descriptor, int mode, int64_t offset, int64_t count);

// pwritev2(2) of two parts with RWF_DSYNC; the bytes written, or a negated errno value.
int64_t capus_write_through(
    int descriptor, const void *first, size_t first_count, const void *second,
    size_t second_count, int64_t offset);

// Swift has vectors, but no way to take such a mask out of one. These are inlined whatever they
// cost, since a call would cost more than the answer.
#define CAPUS_INLINE __attribute__((always_inline)) static inline

// Which of the 16 bytes at `bytes` are `one` or `other`: bit n stands for byte n.
CAPUS_INLINE uint64_t capus_either_of_16(const uint8_t *bytes, uint8_t one, uint8_t other) {
#if defined(__x86_64__)
    __m128i found = _mm_loadu_si128((const __m128i *)bytes);
    return (uint32_t)_mm_movemask_epi8(_mm_or_si128(
        _mm_cmpeq_epi8(found, _mm_set1_epi8((char)one)),
        _mm_cmpeq_epi8(found, _mm_set1_epi8((char)other))));
#else
    uint64_t mask = 0;
    for (int i = 0; i < 16; i++) mask |= (uint64_t)(bytes[i] == one || bytes[i] == other) << i;
    return mask;
#endif
}

// The same for up to 64 of `count` bytes, 16 or more.
CAPUS_INLINE uint64_t capus_either_of_first_64(
    const uint8_t *bytes, size_t count, uint8_t one, uint8_t other) {
    if (count > 64) count = 64;
    uint64_t mask = capus_either_of_16(bytes, one, other);
    if (count > 32) mask |= capus_either_of_16(bytes + 16, one, other) << 16;
    if (count > 48) mask |= capus_either_of_16(bytes + 32, one, other) << 32;
    return mask | capus_either_of_16(bytes + count - 16, one, other) << (count - 16);
}

// The same for up to 64 of the `count` bytes at `start`, from `offset` on. Where a load would reach
// beyond the end it is taken from further back.
CAPUS_INLINE uint64_t capus_either_of_64(
    const void *start, size_t offset, size_t count, uint8_t one, uint8_t other) {
    const uint8_t *bytes = (const uint8_t *)start + offset;
    size_t left = count - offset;
    if (left < 16) {
        if (count >= 16) return capus_either_of_16(bytes + left - 16, one, other) >> (16 - left);
        uint64_t few = 0;
#pragma clang loop vectorize(disable) unroll(disable)
        for (size_t i = 0; i < left; i++)
            few |= (uint64_t)(bytes[i] == one || bytes[i] == other) << i;
        return few;
    }
    return capus_either_of_first_64(bytes, left, one, other);
}

// Whether one of `count` bytes, of which there are at least 16, cannot stand in a string of JSON as
// it is: `"`, `\`, DEL and what is below a blank.
CAPUS_INLINE int capus_has_escapes(const void *start, size_t count) {
    const uint8_t *bytes = (const uint8_t *)start;
#if defined(__x86_64__)
    __m128i found = _mm_setzero_si128();
    for (size_t at = 0; at < count; at += 16) {
        // The last sixteen may have been looked at in part.
        const uint8_t *from = bytes + (at + 16 <= count ? at : count - 16);
        __m128i piece = _mm_loadu_si128((const __m128i *)from);
        __m128i marks = _mm_or_si128(
            _mm_cmpeq_epi8(piece, _mm_set1_epi8('"')), _mm_cmpeq_epi8(piece, _mm_set1_epi8('\\')));
        __m128i others = _mm_or_si128(
            _mm_cmpeq_epi8(piece, _mm_set1_epi8(0x7F)),
            _mm_cmpeq_epi8(piece, _mm_min_epu8(piece, _mm_set1_epi8(0x1F))));
        found = _mm_or_si128(found, _mm_or_si128(marks, others));
    }
    return _mm_movemask_epi8(found) != 0;
#else
    int found = 0;
    for (size_t at = 0; at < count; at++)
        found |= bytes[at] < 0x20 || bytes[at] == '"' || bytes[at] == '\\' || bytes[at] == 0x7F;
    return found;
#endif
}

// The same for one byte: the compiler leaves the second comparison out.
CAPUS_INLINE uint64_t capus_matches_of_64(
    const void *start, size_t offset, size_t count, uint8_t byte) {
    return capus_either_of_64(start, offset, count, byte, byte);
}
CAPUS_INLINE uint64_t capus_matches_of_first_64(const void *start, size_t count, uint8_t byte) {
    return capus_either_of_first_64((const uint8_t *)start, count, byte, byte);
}

// Whether `count` bytes are alike: the same but where `loose` has FF and not 0, and there neither a
// quote nor a backslash unless they `may_have_marks`.
int capus_is_alike(
    const void *bytes, const void *other, const void *loose, size_t count, int may_have_marks);

// Which of the 16 bytes at `one` and `other` differ: bit n stands for byte n.
CAPUS_INLINE uint64_t capus_differences_of_16(const uint8_t *one, const uint8_t *other) {
#if defined(__x86_64__)
    __m128i same = _mm_cmpeq_epi8(
        _mm_loadu_si128((const __m128i *)one), _mm_loadu_si128((const __m128i *)other));
    return (uint32_t)_mm_movemask_epi8(same) ^ 0xFFFF;
#else
    uint64_t mask = 0;
    for (int i = 0; i < 16; i++) mask |= (uint64_t)(one[i] != other[i]) << i;
    return mask;
#endif
}

// The same for up to 64 of `count` bytes, 16 or more.
CAPUS_INLINE uint64_t capus_differences_of_64(
    const uint8_t *one, const uint8_t *other, size_t count) {
    if (count > 64) count = 64;
    uint64_t mask = capus_differences_of_16(one, other);
    if (count > 32) mask |= capus_differences_of_16(one + 16, other + 16) << 16;
    if (count > 48) mask |= capus_differences_of_16(one + 32, other + 32) << 32;
    const size_t last = count - 16;
    return mask | capus_differences_of_16(one + last, other + last) << last;
}

// What the next one does where more is to be looked at than one look finds alike.
int capus_has_same_rest(
    const uint8_t *bytes, const uint8_t *other, size_t count, uint32_t open, uint64_t found);

// Whether two properties of `count` bytes, 16 or more, have the same items: they differ only where
// `open` says (where that begins, and above 16 bits where it ends), and no separators (1 and 2) are
// among those of `bytes` that differ.
CAPUS_INLINE int capus_has_same_items(
    const void *bytes, const void *other, size_t count, uint32_t open) {
    const uint8_t *one = (const uint8_t *)bytes, *two = (const uint8_t *)other;
    uint64_t found = capus_differences_of_64(one, two, count);
    return (found == 0 && count <= 64) || capus_has_same_rest(one, two, count, open, found);
}

// Copies `count` bytes that do not overlap. Inline for up to 128, since topics, properties and many
// bodies are that short and a call would cost more than the copy: the first bytes and the last,
// which may be the same ones in part.
CAPUS_INLINE void capus_copy(void *to, const void *from, size_t count) {
    uint8_t *target = (uint8_t *)to;
    const uint8_t *source = (const uint8_t *)from;
    if (count > 32) {
        if (count <= 64) {
            memcpy(target, source, 32);
            memcpy(target + count - 32, source + count - 32, 32);
        } else if (count <= 128) {
            memcpy(target, source, 64);
            memcpy(target + count - 64, source + count - 64, 64);
        } else {
            memcpy(to, from, count);
        }
    } else if (count >= 16) {
        memcpy(target, source, 16);
        memcpy(target + count - 16, source + count - 16, 16);
    } else if (count >= 8) {
        memcpy(target, source, 8);
        memcpy(target + count - 8, source + count - 8, 8);
    } else if (count >= 4) {
        memcpy(target, source, 4);
        memcpy(target + count - 4, source + count - 4, 4);
    } else {
        for (size_t at = 0; at < count; at++) target[at] = source[at];
    }
}

// Asks for the cache lines of `count` bytes, which will be written soon. Never faults.
static inline void capus_prefetch(const void *bytes, long count) {
    for (long offset = 0; offset < count; offset += 64)
        __builtin_prefetch((const char *)bytes + offset, 1, 3);
}

// The same for CAPUS_PREFETCH_SHORT bytes, without a loop. A line that is not there does no harm.
enum { CAPUS_PREFETCH_SHORT = 320 };
static inline void capus_prefetch_short(const void *start) {
    const char *bytes = (const char *)start;
    __builtin_prefetch(bytes, 1, 3);
    __builtin_prefetch(bytes + 64, 1, 3);
    __builtin_prefetch(bytes + 128, 1, 3);
    __builtin_prefetch(bytes + 192, 1, 3);
    __builtin_prefetch(bytes + 256, 1, 3);
}

// The same for a few bytes that will be read soon.
static inline void capus_prefetch_to_read(const void *bytes, long count) {
    for (long offset = 0; offset < count; offset += 64)
        __builtin_prefetch((const char *)bytes + offset, 0, 3);
}

// The same for many: as far as the second level, which holds many.
static inline void capus_prefetch_lines(const void *start, long count) {
    const char *bytes = start;
    for (long offset = 0; offset < count; offset += 64)
        __builtin_prefetch(bytes + offset, 0, 2);
}

// For the lines of `start` to `start + last`, at most 192 bytes, which begin anywhere, and will be
// written.
static inline void capus_prefetch_near(const void *start, long last) {
    const char *bytes = (const char *)start;
    __builtin_prefetch(bytes, 1, 3);
    __builtin_prefetch(bytes + 64, 1, 3);
    __builtin_prefetch(bytes + 128, 1, 3);
    __builtin_prefetch(bytes + last, 1, 3);
}

// The longest record whose lines are worth asking for before they are written; LONG_MAX for any.
long capus_prefetch_limit(void);

// Installs a handler of SIGBUS for this process, once: the one that is there is kept and called for
// every fault outside of the regions below.
void capus_guard_install(void);

// Guards the mapping of `count` bytes at `base`: zeros stand for a page that the file does not have
// or the device cannot give, and the mapping is marked. The number to ask and remove it by; -1 when
// 65,536 are guarded already.
int32_t capus_guard_add(const void *base, size_t count, int is_writable);

// Ends that. Before the mapping ends.
void capus_guard_remove(int32_t slot);

// Where in a guarded mapping the first fault was; -1 when there was none. Who has read zeros that
// stand for a missing page gets another answer than -1.
int64_t capus_guard_fault(int32_t slot);

// Faults in all guarded mappings so far.
uint64_t capus_guard_fault_count(void);

// Loads a byte of each page.
void capus_touch(const void *bytes, size_t count);

// Names the calling thread; at most 15 bytes are kept.
void capus_name_thread(const char *name);

// Has the calling thread, when it is woken, wait for a processor instead of taking that of who runs
// there. Where that is not allowed, it does not.
void capus_be_patient(void);

// Lets the calling thread's work stand back behind that of others. Where that is not allowed, it
// does not.
void capus_stand_back(void);

// The processor that the calling thread runs on; -1 where the system does not say.
int32_t capus_processor(void);

// Moves the calling thread to another of the processors that it may use, if there is one. It may
// come back later.
void capus_leave_processor(int32_t processor);

// From now on the calling thread works for one that runs on this processor; -1: for itself.
void capus_work_for(int32_t processor);

// The processor of the thread that the calling one works for, or its own.
int32_t capus_principal_processor(void);

// Bytes of an open file, or a negated errno value. Its times are not looked at: Linux gives the
// next write a time of its own once somebody has asked for the last one's, and each sync of the
// file writes its inode as well then.
int64_t capus_byte_count(int descriptor);

// Starts to write the dirty pages of a range to the device, and waits until they are there. Does
// not make them durable: the device may keep them in a cache, and the blocks they went to may not
// be in the file yet. 0 or an errno value.
int capus_write_back(int descriptor, int64_t offset, int64_t count);

#endif
