// CRC-32 (IEEE, reflected polynomial 0xEDB88320) in two forms behind one function.
//
// Portable: eight tables, eight bytes a step. Fast on x86-64: the message is folded 64 bytes at a
// time with carry-less multiplication (Gopal et al., "Fast CRC Computation for Generic Polynomials Using
// PCLMULQDQ", Intel 2009). Folding over D bits multiplies the low half of a 128-bit lane by
// x^(D+32) mod P and the high half by x^(D-32) mod P, both bit-reflected and shifted left by one:
//     D = 512: 0x154442bd4, 0x1c6e41596      D = 128: 0x1751997d0, 0x0ccaa009e
// What is left, 16 bytes congruent to all that was folded, goes through the tables.

#include "capus.h"

#include <string.h>

static uint32_t tables[8][256];

static void fill_tables(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
        tables[0][byte] = crc;
    }
    for (int table = 1; table < 8; table++)
        for (uint32_t byte = 0; byte < 256; byte++) {
            uint32_t before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][before & 255];
        }
}

// Continues from the inverted checksum `state`.
static uint32_t advance(uint32_t state, const uint8_t *bytes, size_t count) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; count >= 8; bytes += 8, count -= 8) {
        uint32_t low, high;
        memcpy(&low, bytes, 4);
        memcpy(&high, bytes + 4, 4);
        low ^= state;
        state = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
                tables[4][low >> 24] ^ tables[3][high & 255] ^ tables[2][high >> 8 & 255] ^
                tables[1][high >> 16 & 255] ^ tables[0][high >> 24];
    }
#endif
    while (count--) state = (state >> 8) ^ tables[0][(state ^ *bytes++) & 255];
    return state;
}

uint32_t capus_crc32_portable(uint32_t crc, const void *bytes, size_t count) {
    return ~advance(~crc, bytes, count);
}

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("pclmul,sse4.1"))) static inline __m128i fold(
    __m128i lane, __m128i factors, __m128i next) {
    __m128i low = _mm_clmulepi64_si128(lane, factors, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// `count` must be at least 64.
__attribute__((target("pclmul,sse4.1"))) static uint32_t fold_all(
    uint32_t crc, const uint8_t *bytes, size_t count) {
    const __m128i by512 = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
    const __m128i by128 = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    const __m128i *source = (const __m128i *)bytes;
    __m128i a = _mm_xor_si128(_mm_loadu_si128(source), _mm_cvtsi32_si128((int)~crc));
    __m128i b = _mm_loadu_si128(source + 1);
    __m128i c = _mm_loadu_si128(source + 2);
    __m128i d = _mm_loadu_si128(source + 3);
    for (source += 4, count -= 64; count >= 64; source += 4, count -= 64) {
        a = fold(a, by512, _mm_loadu_si128(source));
        b = fold(b, by512, _mm_loadu_si128(source + 1));
        c = fold(c, by512, _mm_loadu_si128(source + 2));
        d = fold(d, by512, _mm_loadu_si128(source + 3));
    }
    a = fold(a, by128, b);
    a = fold(a, by128, c);
    a = fold(a, by128, d);
    for (; count >= 16; source++, count -= 16) a = fold(a, by128, _mm_loadu_si128(source));
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)rest, a);
    return ~advance(advance(0, rest, 16), (const uint8_t *)source, count);
}

static int folds;
#endif

__attribute__((constructor)) static void choose(void) {
    fill_tables();
#if defined(__x86_64__)
    __builtin_cpu_init();
    folds = __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
#endif
}

uint32_t capus_crc32(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (folds && count >= 64) return fold_all(crc, bytes, count);
#endif
    return capus_crc32_portable(crc, bytes, count);
}

const char *capus_crc32_implementation(void) {
#if defined(__x86_64__)
    if (folds) return "pclmul";
#endif
    return "portable";
}
