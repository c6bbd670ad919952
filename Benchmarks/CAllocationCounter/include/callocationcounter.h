// Counts what a thread allocates, by standing in front of glibc's malloc.
#ifndef CALLOCATIONCOUNTER_H
#define CALLOCATIONCOUNTER_H

#include <stdint.h>

// How often the calling thread has allocated or reallocated since it began; -1 when nothing counts
// (another C library, or a sanitizer that brings its own malloc).
int64_t callocationcounter_thread(void);

#endif
