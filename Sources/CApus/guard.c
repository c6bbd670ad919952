// Survives SIGBUS in mappings of files.
//
// A store through a mapping, or a load, has no return value: where the file ends before the mapping
// does, or the device cannot give a page, the kernel sends SIGBUS. The handler here looks the
// address up in a table of guarded regions. In one of them it marks the region, puts a page of
// zeros where the missing one belongs, and returns: the process lives, and whoever uses the region
// finds the mark. Any other SIGBUS goes to the handler that was there before, or ends the process
// as if there were no handler.
//
// The handler reads the table at any moment and in any thread, so the table has no lock: a region
// is guarded while its generation is odd, and what was read of it counts when the generation is the
// same afterwards. The handler makes system calls only, and keeps errno.
#define _GNU_SOURCE
#include "capus.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// As many as a process may have mappings by Linux's default. What is never used takes no memory.
#define CAPACITY 65536

static struct region {
    atomic_bool is_taken;
    atomic_bool is_writable;
    _Atomic uint64_t generation;  // odd: guarded
    _Atomic uintptr_t base;
    _Atomic size_t count;
    _Atomic int64_t fault;  // where the first fault was, from the base; -1: none yet
} regions[CAPACITY];

static _Atomic int32_t used_end;  // no region from here on was ever taken
static _Atomic int32_t free_hint;  // where a free one may be found
static _Atomic uint64_t fault_count;
static uintptr_t page_size;
static struct sigaction previous;

// Puts zeros in place of the page at `address` when a region holds it.
static int mend(uintptr_t address) {
    int32_t end = used_end;
    for (int32_t slot = 0; slot < end; slot++) {
        struct region *region = &regions[slot];
        uint64_t generation = region->generation;
        if (generation % 2 == 0) continue;
        uintptr_t offset = address - region->base;
        if (offset >= region->count) continue;
        int protection = PROT_READ | (region->is_writable ? PROT_WRITE : 0);
        if (region->generation != generation) continue;
        // The mark comes before the zeros: who sees these finds it.
        int64_t none = -1;
        atomic_compare_exchange_strong(&region->fault, &none, (int64_t)offset);
        fault_count++;
        long mapped = syscall(
            SYS_mmap, address & ~(page_size - 1), page_size, protection,
            MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
        return mapped != -1;
    }
    return 0;
}

static void pass_on(int signal, siginfo_t *info, void *context) {
    // A fault cannot be ignored; a signal that someone sent can.
    if (!(previous.sa_flags & SA_SIGINFO) && previous.sa_handler == SIG_IGN && info->si_code <= 0)
        return;
    if (previous.sa_flags & SA_SIGINFO) {
        previous.sa_sigaction(signal, info, context);
    } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
        previous.sa_handler(signal);
    } else {
        struct sigaction standard;
        memset(&standard, 0, sizeof standard);
        standard.sa_handler = SIG_DFL;
        sigaction(signal, &standard, NULL);
        // Comes again when this handler returns, and says what it says now.
        syscall(SYS_rt_tgsigqueueinfo, getpid(), (pid_t)syscall(SYS_gettid), signal, info);
    }
}

static void handle(int signal, siginfo_t *info, void *context) {
    int kept = errno;
    int is_fault = info->si_code == BUS_ADRERR || info->si_code == BUS_OBJERR ||
                   info->si_code == BUS_MCEERR_AR;
    if (!is_fault || !mend((uintptr_t)info->si_addr)) pass_on(signal, info, context);
    errno = kept;
}

static void install(void) {
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigaction(SIGBUS, NULL, &previous);
    struct sigaction ours;
    memset(&ours, 0, sizeof ours);
    ours.sa_sigaction = handle;
    // The one before runs as it would without us.
    ours.sa_mask = previous.sa_mask;
    ours.sa_flags = SA_SIGINFO | SA_ONSTACK | (previous.sa_flags & (SA_NODEFER | SA_RESTART));
    sigaction(SIGBUS, &ours, NULL);
}

void capus_guard_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

int32_t capus_guard_add(const void *base, size_t count, int is_writable) {
    int32_t start = free_hint;
    for (int32_t step = 0; step < CAPACITY; step++) {
        int32_t slot = (start + step) % CAPACITY;
        struct region *region = &regions[slot];
        if (region->is_taken || atomic_exchange(&region->is_taken, 1)) continue;
        region->base = (uintptr_t)base;
        region->count = count;
        region->is_writable = is_writable != 0;
        region->fault = -1;
        int32_t end = used_end;
        while (end <= slot && !atomic_compare_exchange_weak(&used_end, &end, slot + 1)) {}
        region->generation++;
        free_hint = (slot + 1) % CAPACITY;
        return slot;
    }
    return -1;
}

void capus_guard_remove(int32_t slot) {
    regions[slot].generation++;
    regions[slot].is_taken = 0;
    if (slot < free_hint) free_hint = slot;
}

int64_t capus_guard_fault(int32_t slot) {
    // The bytes were read before this is.
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&regions[slot].fault, memory_order_relaxed);
}

uint64_t capus_guard_fault_count(void) {
    return atomic_load_explicit(&fault_count, memory_order_relaxed);
}

void capus_touch(const void *bytes, size_t count) {
    const volatile unsigned char *first = bytes;
    if (count == 0) return;
    for (size_t offset = 0; offset < count; offset += 4096) (void)first[offset];
    (void)first[count - 1];
}
