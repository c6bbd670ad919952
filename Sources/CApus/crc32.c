// CRC-32 (IEEE, reflected polynomial 0xEDB88320): the portable form, with eight tables and eight
// bytes a step, and the choice among the forms at run time.

#include "capus.h"
#include "crc32_forms.h"

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

static uint32_t by_tables(uint32_t crc, const void *bytes, size_t count) {
    return ~advance(~crc, bytes, count);
}

#if defined(__x86_64__)
// Lengths from which a form is used; SIZE_MAX when the processor lacks it.
static size_t narrow_from = SIZE_MAX;
static size_t middle_from = SIZE_MAX;
static size_t wide_from = SIZE_MAX;

static uint32_t by_pclmul(uint32_t crc, const void *bytes, size_t count) {
    if (count < CAPUS_PCLMUL_LEAST) return by_tables(crc, bytes, count);
    return capus_crc32_pclmul(crc, bytes, count);
}

static uint32_t by_vpclmulqdq256(uint32_t crc, const void *bytes, size_t count) {
    if (count < CAPUS_VPCLMULQDQ256_LEAST) return by_pclmul(crc, bytes, count);
    return capus_crc32_vpclmulqdq256(crc, bytes, count);
}

static uint32_t by_vpclmulqdq(uint32_t crc, const void *bytes, size_t count) {
    if (count < CAPUS_VPCLMULQDQ_LEAST) return by_pclmul(crc, bytes, count);
    return capus_crc32_vpclmulqdq(crc, bytes, count);
}
#endif

__attribute__((constructor)) static void choose(void) {
    fill_tables();
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (capus_crc32_has_pclmul()) narrow_from = CAPUS_PCLMUL_LEAST;
    if (capus_crc32_has_vpclmulqdq256()) middle_from = CAPUS_VPCLMULQDQ256_WORTHWHILE;
    if (capus_crc32_has_vpclmulqdq()) wide_from = CAPUS_VPCLMULQDQ_LEAST;
#endif
}

uint32_t capus_crc32(uint32_t crc, const void *bytes, size_t count) {
#if defined(__x86_64__)
    if (count >= wide_from) return capus_crc32_vpclmulqdq(crc, bytes, count);
    if (count >= middle_from) return capus_crc32_vpclmulqdq256(crc, bytes, count);
    if (count >= narrow_from) return capus_crc32_pclmul(crc, bytes, count);
#endif
    return by_tables(crc, bytes, count);
}

const char *capus_crc32_implementation(void) {
#if defined(__x86_64__)
    if (wide_from != SIZE_MAX) return "vpclmulqdq";
    if (middle_from != SIZE_MAX) return "vpclmulqdq256";
    if (narrow_from != SIZE_MAX) return "pclmul";
#endif
    return "portable";
}

capus_crc32_form capus_crc32_named(const char *name) {
    if (strcmp(name, "portable") == 0) return by_tables;
#if defined(__x86_64__)
    if (narrow_from != SIZE_MAX && strcmp(name, "pclmul") == 0) return by_pclmul;
    if (middle_from != SIZE_MAX && strcmp(name, "vpclmulqdq256") == 0) return by_vpclmulqdq256;
    if (wide_from != SIZE_MAX && strcmp(name, "vpclmulqdq") == 0) return by_vpclmulqdq;
#endif
    return NULL;
}
