// Properties of a batch's messages, which differ in one value as a rule.

#include "capus.h"

// The bits of those of 16 bytes from `at` on that lie in `from..<to`.
static uint32_t within(size_t at, size_t from, size_t to) {
    size_t low = from > at ? from - at : 0, high = to > at ? to - at : 0;
    if (low > 16) low = 16;
    if (high > 16) high = 16;
    return ((1u << high) - 1) & ~((1u << low) - 1);
}

static uint32_t differences(const uint8_t *a, const uint8_t *b) {
#if defined(__x86_64__)
    __m128i same = _mm_cmpeq_epi8(
        _mm_loadu_si128((const __m128i *)a), _mm_loadu_si128((const __m128i *)b));
    return (uint32_t)_mm_movemask_epi8(same) ^ 0xFFFF;
#else
    uint32_t mask = 0;
    for (int i = 0; i < 16; i++) mask |= (uint32_t)(a[i] != b[i]) << i;
    return mask;
#endif
}

int capus_has_same_items(
    const void *bytes, const void *other, size_t count, size_t free_from, size_t free_to) {
    const uint8_t *a = bytes, *b = other;
    for (size_t at = 0; at < count; at += 16) {
        // The last sixteen may have been looked at in part.
        if (at + 16 > count) at = count - 16;
        uint32_t found = differences(a + at, b + at);
        if (found == 0) continue;
        uint32_t separators = (uint32_t)capus_either_of_16(a + at, 1, 2);
        if (found & (separators | ~within(at, free_from, free_to))) return 0;
    }
    return 1;
}
