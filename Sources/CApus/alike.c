// Headers that are like the one before them: 32 bytes at a time where the processor can.

#include "capus.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static int by_bytes(
    const uint8_t *a, const uint8_t *b, const uint8_t *loose, size_t count, int may_have_marks) {
    int found = 0, marks = 0;
    for (size_t at = 0; at < count; at++) {
        found |= !loose[at] & (a[at] != b[at]);
        marks |= (loose[at] != 0) & ((a[at] == '"') | (a[at] == '\\'));
    }
    return !(found | (marks & !may_have_marks));
}

#if defined(__x86_64__)
static int has_avx2;

__attribute__((constructor)) static void choose(void) {
    __builtin_cpu_init();
    has_avx2 = __builtin_cpu_supports("avx2");
}

// What is found in all that was looked at: bits that are not zero.
typedef struct {
    __m256i differences, marks;
} findings;

__attribute__((target("avx2"), always_inline)) static inline void look(
    findings *found, const uint8_t *a, const uint8_t *b, const uint8_t *loose) {
    __m256i piece = _mm256_loadu_si256((const __m256i *)a);
    __m256i wanted = _mm256_loadu_si256((const __m256i *)b);
    __m256i free = _mm256_loadu_si256((const __m256i *)loose);
    __m256i marks = _mm256_or_si256(
        _mm256_cmpeq_epi8(piece, _mm256_set1_epi8('"')),
        _mm256_cmpeq_epi8(piece, _mm256_set1_epi8('\\')));
    found->differences = _mm256_or_si256(
        found->differences, _mm256_andnot_si256(free, _mm256_xor_si256(piece, wanted)));
    found->marks = _mm256_or_si256(found->marks, _mm256_and_si256(free, marks));
}

// Of at least 32 bytes.
__attribute__((target("avx2"))) static int by_avx2(
    const uint8_t *a, const uint8_t *b, const uint8_t *loose, size_t count, int may_have_marks) {
    findings found = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    // The last 32 first, since some of them may be looked at twice.
    size_t last = count - 32;
    look(&found, a + last, b + last, loose + last);
    for (size_t at = 0; at < last; at += 32) look(&found, a + at, b + at, loose + at);
    if (!_mm256_testz_si256(found.differences, found.differences)) return 0;
    return may_have_marks || _mm256_testz_si256(found.marks, found.marks);
}
#endif

int capus_is_alike(
    const void *bytes, const void *other, const void *loose, size_t count, int may_have_marks) {
#if defined(__x86_64__)
    if (has_avx2 && count >= 32) return by_avx2(bytes, other, loose, count, may_have_marks);
#endif
    return by_bytes(bytes, other, loose, count, may_have_marks);
}
