// CRC-32 by folding with carry-less multiplication, on x86-64 (Gopal et al., "Fast CRC Computation
// for Generic Polynomials Using PCLMULQDQ", Intel 2009), in 128, 256 and 512 bits.
//
// Folding a 128-bit lane over D bits multiplies its low half by x^(D+32) mod P and its high half by
// x^(D-32) mod P, both bit-reflected and shifted left by one, and adds the lane D bits further on.
// A lane stands for all bytes before it. Bytes that do not fill a lane at the end are joined with
// the last lane; that one is then folded to 96 bits and reduced as Barrett does.

#include "crc32_forms.h"

#if defined(__x86_64__)
#include <immintrin.h>

// The factors for the low and the high half of a lane.
#define OVER_128 0x0ccaa009e, 0x1751997d0
#define OVER_256 0x15a546366, 0x0f1da05aa
#define OVER_384 0x174359406, 0x03db1ecdc
#define OVER_512 0x1c6e41596, 0x154442bd4
#define OVER_768 0x18cb44e58, 0x0df068dc2
#define OVER_1024 0x14a7fe880, 0x1e88ef372
#define OVER_2048 0x1322d1430, 0x11542778a

#define NARROW __attribute__((target("pclmul,sse4.1")))
#define MIDDLE __attribute__((target("pclmul,sse4.1,avx2,vpclmulqdq")))
#define WIDE __attribute__((target("pclmul,sse4.1,avx512f,avx512vl,vpclmulqdq")))

int capus_crc32_has_pclmul(void) {
    return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

int capus_crc32_has_vpclmulqdq256(void) {
    return capus_crc32_has_pclmul() && __builtin_cpu_supports("avx2") &&
           __builtin_cpu_supports("vpclmulqdq");
}

int capus_crc32_has_vpclmulqdq(void) {
    return capus_crc32_has_pclmul() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("vpclmulqdq");
}

NARROW static inline __m128i fold(__m128i lane, __m128i factors, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(lane, factors, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// Moves a lane up or down by up to 16 bytes when 16 of these are its shuffle: a byte with its sign
// bit set stands for zero.
static const int8_t moves[48] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
};

// Joins a lane with the `count` bytes, 1 to 15, before `end`: its first `count` bytes are folded
// over what the others and those bytes make. At least 16 bytes must lie before `end`.
NARROW static inline __m128i join(__m128i lane, const uint8_t *end, size_t count) {
    const __m128i up = _mm_loadu_si128((const __m128i *)(moves + count));
    const __m128i down = _mm_loadu_si128((const __m128i *)(moves + 16 + count));
    const __m128i last = _mm_loadu_si128((const __m128i *)(end - 16));
    return fold(
        _mm_shuffle_epi8(lane, up), _mm_set_epi64x(OVER_128),
        _mm_blendv_epi8(_mm_shuffle_epi8(lane, down), last, down));
}

// The remainder of a lane with 32 zero bits behind it, which is its checksum.
//
// The first half times x^96, added to the second, leaves 96 bits. Barrett's quotient of their first
// 64 takes one multiplication by x^96 / P: its leading term, and the shift of a bit-reflected
// product, are in the factor, and its last term moves nothing that is kept.
NARROW static inline uint32_t reduce(__m128i lane) {
    const __m128i barrett = _mm_set_epi64x(0x1db710641, 0xb4e5b025f7011641);
    __m128i rest = _mm_clmulepi64_si128(lane, _mm_set_epi64x(OVER_128), 0x10);
    rest = _mm_xor_si128(rest, _mm_srli_si128(lane, 8));
    __m128i quotient = _mm_clmulepi64_si128(rest, barrett, 0x00);
    quotient = _mm_clmulepi64_si128(quotient, barrett, 0x10);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(rest, quotient), 2);
}

// The checksum when `lane` stands for all bytes before `bytes`.
NARROW static inline uint32_t finish(__m128i lane, const uint8_t *bytes, size_t count) {
    for (; count >= 16; bytes += 16, count -= 16)
        lane = fold(lane, _mm_set_epi64x(OVER_128), _mm_loadu_si128((const __m128i *)bytes));
    if (count > 0) lane = join(lane, bytes + count, count);
    return ~reduce(lane);
}

// Each lane over its own distance: one after the other they would wait for three multiplications
// where they wait for one.
NARROW static inline __m128i fold_four(__m128i a, __m128i b, __m128i c, __m128i d) {
    const __m128i last = fold(c, _mm_set_epi64x(OVER_128), d);
    const __m128i both = fold(b, _mm_set_epi64x(OVER_256), last);
    return fold(a, _mm_set_epi64x(OVER_384), both);
}

NARROW uint32_t capus_crc32_pclmul(uint32_t crc, const uint8_t *bytes, size_t count) {
    const __m128i factors = _mm_set_epi64x(OVER_512);
    const __m128i *source = (const __m128i *)bytes;
    __m128i a = _mm_xor_si128(_mm_loadu_si128(source), _mm_cvtsi32_si128((int)~crc));
    if (count < 64) return finish(a, bytes + 16, count - 16);
    __m128i b = _mm_loadu_si128(source + 1);
    __m128i c = _mm_loadu_si128(source + 2);
    __m128i d = _mm_loadu_si128(source + 3);
    for (source += 4, count -= 64; count >= 64; source += 4, count -= 64) {
        a = fold(a, factors, _mm_loadu_si128(source));
        b = fold(b, factors, _mm_loadu_si128(source + 1));
        c = fold(c, factors, _mm_loadu_si128(source + 2));
        d = fold(d, factors, _mm_loadu_si128(source + 3));
    }
    return finish(fold_four(a, b, c, d), (const uint8_t *)source, count);
}

MIDDLE static inline __m256i fold_middle(__m256i lanes, __m256i factors, __m256i next) {
    __m256i low = _mm256_clmulepi64_epi128(lanes, factors, 0x00);
    __m256i high = _mm256_clmulepi64_epi128(lanes, factors, 0x11);
    return _mm256_xor_si256(_mm256_xor_si256(low, high), next);
}

MIDDLE uint32_t capus_crc32_vpclmulqdq256(uint32_t crc, const uint8_t *bytes, size_t count) {
    const __m256i over_256 = _mm256_broadcastsi128_si256(_mm_set_epi64x(OVER_256));
    const __m256i over_512 = _mm256_broadcastsi128_si256(_mm_set_epi64x(OVER_512));
    const __m256i over_768 = _mm256_broadcastsi128_si256(_mm_set_epi64x(OVER_768));
    const __m256i far = _mm256_broadcastsi128_si256(_mm_set_epi64x(OVER_1024));
    const __m256i *source = (const __m256i *)bytes;
    __m256i a = _mm256_xor_si256(
        _mm256_loadu_si256(source), _mm256_zextsi128_si256(_mm_cvtsi32_si128((int)~crc)));
    __m256i b = _mm256_loadu_si256(source + 1);
    __m256i c = _mm256_loadu_si256(source + 2);
    __m256i d = _mm256_loadu_si256(source + 3);
    for (source += 4, count -= 128; count >= 128; source += 4, count -= 128) {
        a = fold_middle(a, far, _mm256_loadu_si256(source));
        b = fold_middle(b, far, _mm256_loadu_si256(source + 1));
        c = fold_middle(c, far, _mm256_loadu_si256(source + 2));
        d = fold_middle(d, far, _mm256_loadu_si256(source + 3));
    }
    d = fold_middle(a, over_768, fold_middle(b, over_512, fold_middle(c, over_256, d)));
    for (; count >= 32; source++, count -= 32)
        d = fold_middle(d, over_256, _mm256_loadu_si256(source));
    __m128i lane = fold(
        _mm256_castsi256_si128(d), _mm_set_epi64x(OVER_128), _mm256_extracti128_si256(d, 1));
    return finish(lane, (const uint8_t *)source, count);
}

WIDE static inline __m512i fold_wide(__m512i lanes, __m512i factors, __m512i next) {
    __m512i low = _mm512_clmulepi64_epi128(lanes, factors, 0x00);
    __m512i high = _mm512_clmulepi64_epi128(lanes, factors, 0x11);
    return _mm512_ternarylogic_epi64(low, high, next, 0x96);  // exclusive or of the three
}

WIDE uint32_t capus_crc32_vpclmulqdq(uint32_t crc, const uint8_t *bytes, size_t count) {
    const __m512i far = _mm512_broadcast_i32x4(_mm_set_epi64x(OVER_2048));
    const __m512i near = _mm512_broadcast_i32x4(_mm_set_epi64x(OVER_512));
    __m512i a = _mm512_xor_si512(
        _mm512_loadu_si512(bytes), _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)~crc)));
    bytes += 64, count -= 64;
    if (count >= 192) {
        __m512i b = _mm512_loadu_si512(bytes);
        __m512i c = _mm512_loadu_si512(bytes + 64);
        __m512i d = _mm512_loadu_si512(bytes + 128);
        for (bytes += 192, count -= 192; count >= 256; bytes += 256, count -= 256) {
            a = fold_wide(a, far, _mm512_loadu_si512(bytes));
            b = fold_wide(b, far, _mm512_loadu_si512(bytes + 64));
            c = fold_wide(c, far, _mm512_loadu_si512(bytes + 128));
            d = fold_wide(d, far, _mm512_loadu_si512(bytes + 192));
        }
        a = fold_wide(fold_wide(fold_wide(a, near, b), near, c), near, d);
    }
    for (; count >= 64; bytes += 64, count -= 64)
        a = fold_wide(a, near, _mm512_loadu_si512(bytes));
    __m128i lane = fold_four(
        _mm512_castsi512_si128(a), _mm512_extracti32x4_epi32(a, 1),
        _mm512_extracti32x4_epi32(a, 2), _mm512_extracti32x4_epi32(a, 3));
    return finish(lane, bytes, count);
}

#endif
