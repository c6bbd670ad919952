// What the forms of CRC-32 share. Not for Swift.
#ifndef CAPUS_CRC32_FORMS_H
#define CAPUS_CRC32_FORMS_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)
// Whether the processor, and the system that runs on it, can do what each needs.
int capus_crc32_has_pclmul(void);
int capus_crc32_has_vpclmulqdq256(void);
int capus_crc32_has_vpclmulqdq(void);

// Lengths from which the forms can be used.
enum { CAPUS_PCLMUL_LEAST = 16, CAPUS_VPCLMULQDQ256_LEAST = 128, CAPUS_VPCLMULQDQ_LEAST = 64 };
// The length from which the one with 256 bits is faster than the one with 128.
enum { CAPUS_VPCLMULQDQ256_WORTHWHILE = 256 };

uint32_t capus_crc32_pclmul(uint32_t crc, const uint8_t *bytes, size_t count);
uint32_t capus_crc32_vpclmulqdq256(uint32_t crc, const uint8_t *bytes, size_t count);
uint32_t capus_crc32_vpclmulqdq(uint32_t crc, const uint8_t *bytes, size_t count);
#endif

#endif
