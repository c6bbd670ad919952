// Tells ThreadSanitizer what it cannot see of reference counts.
//
// Counts are atomics in libswiftCore, which is not instrumented. Two threads meet there and nowhere
// else when one lets its copy of an array go and the other, which holds the only one left, changes
// it in place or frees it. Here the one is told of before it lets go, and the other when it finds
// that it is alone: these functions stand in for the runtime's (as Swift 6.3 names them) wherever
// instrumented code calls them. (The pointers that the runtime keeps for instruments would catch
// more, but with them on it takes short strings for objects.) Empty in a build without the
// sanitizer.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cthreadannotations.h"

// What stands in for the runtime is not looked at itself.
#pragma clang attribute push(__attribute__((no_sanitize("thread"))), apply_to = function)

static void (*real_release)(void *object);
static void (*real_release_n)(void *object, uint32_t count);
static void (*real_bridge_release)(void *object);
static void (*real_bridge_release_n)(void *object, uint32_t count);
static bool (*real_is_unique)(const void *object);
static bool (*real_is_unique_or_null)(const void *object);
static size_t (*count_of)(void *object);

// At the first call: libraries let objects go before this program's constructors run.
static void find_counts(void) {
    if (real_release != NULL) return;
    *(void **)&count_of = cthreadannotations_find("swift_retainCount");
    *(void **)&real_release_n = cthreadannotations_find("swift_release_n");
    *(void **)&real_bridge_release = cthreadannotations_find("swift_bridgeObjectRelease");
    *(void **)&real_bridge_release_n = cthreadannotations_find("swift_bridgeObjectRelease_n");
    *(void **)&real_is_unique =
        cthreadannotations_find("swift_isUniquelyReferenced_nonNull_native");
    *(void **)&real_is_unique_or_null =
        cthreadannotations_find("swift_isUniquelyReferenced_native");
    *(void **)&real_release = cthreadannotations_find("swift_release");
}

// Whoever is alone sees what all others did before they let go.
static void annotate(void *object, uint32_t leaving) {
    // Like the runtime, which passes over what is no object: none, or a string without one.
    if ((intptr_t)object <= 0) return;
    if (count_of(object) <= leaving)
        __tsan_acquire(object);
    else
        __tsan_release(object);
}

// The object of a reference whose spare bits say what it is.
static void *object_of(void *reference) {
    return (void *)((uintptr_t)reference & 0x80FFFFFFFFFFFFF9);
}

void swift_release(void *object) {
    find_counts();
    annotate(object, 1);
    real_release(object);
}

void swift_release_n(void *object, uint32_t count) {
    find_counts();
    annotate(object, count);
    real_release_n(object, count);
}

void swift_bridgeObjectRelease(void *reference) {
    find_counts();
    annotate(object_of(reference), 1);
    real_bridge_release(reference);
}

void swift_bridgeObjectRelease_n(void *reference, uint32_t count) {
    find_counts();
    annotate(object_of(reference), count);
    real_bridge_release_n(reference, count);
}

bool swift_isUniquelyReferenced_nonNull_native(const void *object) {
    find_counts();
    bool unique = real_is_unique(object);
    if (unique) __tsan_acquire((void *)object);
    return unique;
}

bool swift_isUniquelyReferenced_native(const void *object) {
    find_counts();
    bool unique = real_is_unique_or_null(object);
    if (unique) __tsan_acquire((void *)object);
    return unique;
}

#pragma clang attribute pop
#endif
#endif
