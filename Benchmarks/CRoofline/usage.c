// What the kernel counts for a thread.

#define _GNU_SOURCE
#include "croofline.h"

#include <sys/resource.h>

struct croofline_usage croofline_thread_usage(void) {
    struct rusage usage = {0};
    getrusage(RUSAGE_THREAD, &usage);
    return (struct croofline_usage){
        .faults = usage.ru_minflt + usage.ru_majflt,
        .waits = usage.ru_nvcsw,
        .preemptions = usage.ru_nivcsw,
    };
}
