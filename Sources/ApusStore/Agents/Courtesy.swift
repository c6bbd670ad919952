// Processors that appenders need more.
//
// A thread of the store's own may be given the processor of an appender that is in the middle of
// its append, and keeps it until the system looks again, some milliseconds later. All that have
// appended meanwhile wait for that one's turn. Whoever works for long therefore does it in pieces,
// and looks behind each whether a turn has passed.

import ApusSystem
import Synchronization

/// Has long work give its processor away where appenders do not get on beside it.
final class Courtesy: Sendable {
    private let publication: Publication
    /// How often it was given away.
    let givenCount = Atomic<Int>(0)

    init(_ publication: Publication) { self.publication = publication }

    /// Begins the work of one thread.
    func begin() -> Work { Work(courtesy: self, turn: publication.turn.load()) }

    /// What one thread does, piece by piece.
    struct Work {
        fileprivate let courtesy: Courtesy
        /// The turn when the last piece was done.
        fileprivate var turn: UInt32

        /// Called behind each piece of some ten microseconds. Where no turn has passed during it,
        /// whoever wants the processor gets it; if nobody does, as in a store that nobody appends
        /// to, that costs a call of the system.
        mutating func endPiece() {
            if courtesy.publication.turn.load() == turn {
                courtesy.givenCount.wrappingAdd(1, ordering: .relaxed)
                SystemThread.yield()
            }
            turn = courtesy.publication.turn.load()
        }
    }
}
