// Tells ThreadSanitizer what it cannot see of Synchronization.Mutex.
//
// Who finds the mutex free takes it in code that is compiled into the caller, with an atomic that
// the sanitizer sees. Who has to wait, or has to wake another, does so in the library of
// Synchronization, which is not instrumented: each such hand-over would be reported as a race.
// These functions stand in for the three slow ones (as Swift 6.3 names them), call them, and say
// what they did. In a build without the sanitizer this file is empty.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "cthreadannotations.h"

// What stands in for the runtime is not looked at itself.
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

// The mutex is `self`, which Swift passes in a register of its own.
#define SELF __attribute__((swift_context)) void *mutex
#define SWIFT __attribute__((swiftcall))

static SWIFT void (*real_lock)(uint32_t thread, SELF);
static SWIFT bool (*real_try)(SELF);
static SWIFT void (*real_unlock)(SELF);

void *cthreadannotations_find(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (found == NULL) {
        fprintf(stderr, "%s is not in this Swift's library: see Tests/Sanitize\n", name);
        abort();
    }
    return found;
}

// At the first call: libraries may take a mutex before this program's constructors run.
static void find_mutex(void) {
    if (real_lock != NULL) return;
    *(void **)&real_try = cthreadannotations_find(TRY);
    *(void **)&real_unlock = cthreadannotations_find(UNLOCK);
    *(void **)&real_lock = cthreadannotations_find(LOCK);
}

SWIFT void apus_lock(uint32_t thread, SELF) __asm__(LOCK);
SWIFT void apus_lock(uint32_t thread, SELF) {
    find_mutex();
    real_lock(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT bool apus_try(SELF) __asm__(TRY);
SWIFT bool apus_try(SELF) {
    find_mutex();
    bool taken = real_try(mutex);
    if (taken) __tsan_acquire(mutex);
    return taken;
}

SWIFT void apus_unlock(SELF) __asm__(UNLOCK);
SWIFT void apus_unlock(SELF) {
    find_mutex();
    __tsan_release(mutex);
    real_unlock(mutex);
}

#pragma clang attribute pop
#endif
#endif
