// A barrier of which the rare side pays for both.
//
// Two threads that each store and then look at what the other stores need a full barrier between,
// or both may look too early. Where one side runs for every message and the other once in a while,
// the rare side asks the kernel to make all threads pass a barrier (membarrier), and the frequent
// side needs none.

private import CApus
import Synchronization

/// A full barrier between two threads, paid for by the one that comes rarely.
package enum AsymmetricBarrier {
    /// Whether the kernel can do it. Read once and kept by those who need it often.
    package static let isAvailable = capus_register_barrier() == 0

    /// The frequent side: nothing but order for the compiler where the kernel does the rest.
    @inlinable @inline(__always)
    package static func light(isAvailable: Bool) {
        if isAvailable {
            atomicMemoryFence(ordering: .acquiringAndReleasing)
        } else {
            atomicMemoryFence(ordering: .sequentiallyConsistent)
        }
    }

    /// The rare side: a few microseconds.
    package static func heavy() {
        atomicMemoryFence(ordering: .sequentiallyConsistent)
        if isAvailable { capus_barrier_everywhere() }
    }
}
