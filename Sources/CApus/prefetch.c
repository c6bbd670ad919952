// Which records' lines are asked for before they are written.
//
// Long copies are `rep movsb` in glibc. AMD's processors (measured: Zen 3) write whole lines with
// it without reading them first: a line that was asked for has been read for nothing. Intel's
// (measured: a Xeon with AVX-512) wait for the lines, and asking for them is worth a quarter.
#include "capus.h"

#include <limits.h>

// glibc copies so many bytes and more with it. Around its body a record has less than that, as a
// rule.
enum { LONG_COPY = 2112, AROUND = 448 };

long capus_prefetch_limit(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_is("amd")) return LONG_COPY + AROUND;
#endif
    return LONG_MAX;
}
