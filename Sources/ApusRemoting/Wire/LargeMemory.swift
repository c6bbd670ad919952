// Memory for large frames, used again by all connections.
//
// Memory of this size is mapped anew each time it is asked for, and costs a page fault for every
// 4 KiB: for an answer of 128 KiB a third of all the time that it takes. A connection that kept
// some for itself would be dear to hold, and there are thousands of them; at work at the same time
// are as many as there are event loops.

internal import NIOCore
internal import Synchronization

/// Pieces of memory that nobody uses at the moment.
final class LargeMemory<Piece: Sendable>: Sendable {
    /// So many are kept, none of which is larger than `capacityLimit` bytes.
    let countLimit = 4
    let capacityLimit = 1 << 20

    private let kept = Mutex<[Piece]>([])

    /// How many are kept.
    var count: Int { kept.withLock { $0.count } }

    /// A piece, if there is one.
    func take() -> Piece? { kept.withLock { $0.popLast() } }

    /// Keeps a piece of so many bytes for the next one who asks.
    func giveBack(_ piece: Piece, capacity: Int) {
        guard capacity <= capacityLimit else { return }
        kept.withLock { if $0.count < countLimit { $0.append(piece) } }
    }

    func removeAll() { kept.withLock { $0 = [] } }
}

/// That of this process.
enum SharedMemory {
    /// What is written.
    static let buffers = LargeMemory<ByteBuffer>()
    /// Frames that came in pieces. They are empty.
    static let frames = LargeMemory<[UInt8]>()

    /// Lets go of all: a connection is idle.
    static func shrink() {
        buffers.removeAll()
        frames.removeAll()
    }
}
