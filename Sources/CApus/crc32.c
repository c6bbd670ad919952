#include "capus.h"

uint32_t capus_crc32_portable(uint32_t crc, const void *bytes, size_t count) {
    const uint8_t *p = bytes;
    crc = ~crc;
    while (count--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

uint32_t capus_crc32(uint32_t crc, const void *bytes, size_t count) {
    return capus_crc32_portable(crc, bytes, count);
}

const char *capus_crc32_implementation(void) { return "portable"; }
