// The wall clock in milliseconds, for a caller that asks millions of times a second.
//
// clock_gettime takes some 25 ns; reading the time-stamp counter takes 7. Each thread keeps the
// last millisecond it read, the counter at that moment, and for how many ticks it is sure to last:
// a little less than up to the next one, by the rate measured between the last two readings. A
// counter that jumps back (a virtual machine moved) is taken for a long time; one that slows down
// by a factor makes an answer late by that factor of a millisecond, once.
#include "capus.h"

#include <time.h>

static int64_t read_clock(int64_t *nanoseconds_left) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *nanoseconds_left = 1000000 - now.tv_nsec % 1000000;
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#if defined(__x86_64__)
#include <x86intrin.h>

// Of the default TLS model: initial-exec would save three instructions, and a host that loads Apus
// as a plug-in would find no room for it once other libraries have used up the static block.
static _Thread_local struct {
    int64_t milliseconds;
    uint64_t counter;         // when they were read
    uint64_t lasting;         // ticks for which they hold
    uint64_t rated_counter;   // the reading from which the rate is measured
    int64_t rated_nanoseconds;
    uint64_t ticks_per_64us;  // 0: not known yet
} last;

__attribute__((noinline)) static int64_t read_and_keep(uint64_t counter) {
    int64_t left;
    int64_t now = read_clock(&left);
    int64_t nanoseconds = now * 1000000 + 1000000 - left;
    int64_t passed = nanoseconds - last.rated_nanoseconds;
    if (passed > 0 && passed < 100000000 && counter > last.rated_counter) {
        if (passed >= 500000) {
            last.ticks_per_64us = (counter - last.rated_counter) * 64000 / (uint64_t)passed;
            last.rated_counter = counter;
            last.rated_nanoseconds = nanoseconds;
        }
    } else {
        last.ticks_per_64us = 0;
        last.rated_counter = counter;
        last.rated_nanoseconds = nanoseconds;
    }
    // 63/64 of the way to the next millisecond.
    last.lasting = last.ticks_per_64us * (uint64_t)left / 65016;
    last.counter = counter;
    last.milliseconds = now;
    return now;
}

int64_t capus_wall_milliseconds(void) {
    uint64_t counter = __rdtsc();
    if (counter - last.counter < last.lasting) return last.milliseconds;
    return read_and_keep(counter);
}
#else
int64_t capus_wall_milliseconds(void) {
    int64_t left;
    return read_clock(&left);
}
#endif
