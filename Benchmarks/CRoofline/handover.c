// How fast one thread can see what another wrote: a stamp in a cache line, and a reader that spins.

#include "croofline.h"

#include <capus.h>
#include <pthread.h>
#include <stdatomic.h>

struct line {
    _Alignas(64) _Atomic int64_t number;
    int64_t stamp;
    _Alignas(64) _Atomic int64_t seen;
    int64_t count;
    int64_t *latencies;
};

static void *read_stamps(void *argument) {
    struct line *line = argument;
    for (int64_t wanted = 1; wanted <= line->count; wanted++) {
        while (atomic_load_explicit(&line->number, memory_order_acquire) < wanted)
            capus_spin_hint();
        line->latencies[wanted - 1] = croofline_now() - line->stamp;
        atomic_store_explicit(&line->seen, wanted, memory_order_release);
    }
    return NULL;
}

int croofline_hand_over(int64_t count, int64_t interval, int64_t *latencies) {
    struct line line = {.count = count, .latencies = latencies};
    pthread_t reader;
    int code = pthread_create(&reader, NULL, read_stamps, &line);
    if (code != 0) return code;
    int64_t next = croofline_now() + interval;
    for (int64_t number = 1; number <= count; number++, next += interval) {
        while (atomic_load_explicit(&line.seen, memory_order_acquire) < number - 1)
            capus_spin_hint();
        while (croofline_now() < next) capus_spin_hint();
        line.stamp = croofline_now();
        atomic_store_explicit(&line.number, number, memory_order_release);
    }
    pthread_join(reader, NULL);
    return 0;
}
