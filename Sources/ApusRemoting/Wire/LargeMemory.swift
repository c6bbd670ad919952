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

    private let kept = Mutex(Kept())

    private struct Kept {
        var pieces: [Piece] = []
        /// Somebody asked since the last `shrink`.
        var isInUse = false
    }

    /// How many are kept.
    var count: Int { kept.withLock { $0.pieces.count } }

    /// A piece, if there is one.
    func take() -> Piece? {
        kept.withLock { kept in
            kept.isInUse = true
            return kept.pieces.popLast()
        }
    }

    /// Keeps a piece of so many bytes for the next one who asks.
    func giveBack(_ piece: Piece, capacity: Int) {
        guard capacity <= capacityLimit else { return }
        kept.withLock { if $0.pieces.count < countLimit { $0.pieces.append(piece) } }
    }

    /// Lets go of all, unless somebody asked since the last call: thousands of connections call
    /// this that are idle, beside a few that are not.
    func shrink() {
        kept.withLock { kept in
            if !kept.isInUse { kept.pieces = [] }
            kept.isInUse = false
        }
    }
}

/// That of this process.
enum SpareMemory {
    /// What is written.
    static let buffers = LargeMemory<ByteBuffer>()
    /// Frames that came in pieces. They are empty.
    static let frames = LargeMemory<[UInt8]>()

    /// A connection is idle.
    static func shrink() {
        buffers.shrink()
        frames.shrink()
    }
}
