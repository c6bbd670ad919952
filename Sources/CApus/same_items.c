// Properties of a batch's messages, which differ in one value as a rule.

#include "capus.h"

// The bits of those of 64 bytes from `at` on that lie below `end`.
static uint64_t below(size_t at, size_t end) {
    if (end <= at) return 0;
    return end - at >= 64 ? ~0ull : (1ull << (end - at)) - 1;
}

int capus_has_same_rest(
    const uint8_t *bytes, const uint8_t *other, size_t count, uint32_t open, uint64_t found) {
    for (size_t at = 0;;) {
        if (found) {
            uint64_t within = below(at, open >> 16) & ~below(at, open & 0xFFFF);
            if (found & (capus_either_of_64(bytes, at, count, 1, 2) | ~within)) return 0;
        }
        at += 64;
        if (at >= count) return 1;
        // Where less than 16 bytes are left, some are looked at twice.
        if (count - at < 16) at = count - 16;
        found = capus_differences_of_64(bytes + at, other + at, count - at);
    }
}
