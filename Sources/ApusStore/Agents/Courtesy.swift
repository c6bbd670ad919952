// Processors that appenders need more.
//
// A thread of the store's own may be given the processor of an appender that is in the middle of
// its append, and keeps it until the system looks again, some milliseconds later. All that have
// appended meanwhile wait for that one's turn. Whoever works for long therefore does it in pieces,
// and looks behind each whether appenders get on. To give a processor away where none needs it
// would cost: other programs that want it keep it for as long.

import ApusSystem
import Synchronization

/// Has long work give its processor away where appenders do not get on beside it.
final class Courtesy: Sendable {
    private let publication: Publication
    private let reservation: Reservation
    private let pace = SpinLocked(Pace())
    /// How often it was given away.
    let givenCount = Atomic<Int>(0)

    /// How fast turns passed between the last two beginnings of work.
    private struct Pace {
        var turn: UInt32 = 0
        var time: Int64 = 0
        var nanosecondsPerTurn = Int64.max

        /// Too short a time says nothing.
        static let shortest: Int64 = 100_000

        mutating func note(_ turn: UInt32, at now: Int64) {
            let passed = now &- time
            guard passed >= Self.shortest else { return }
            let turns = Int64(turn &- self.turn)
            nanosecondsPerTurn = turns == 0 ? .max : passed / turns
            self.turn = turn
            time = now
        }
    }

    init(_ publication: Publication, _ reservation: Reservation) {
        self.publication = publication
        self.reservation = reservation
    }

    /// Begins the work of one thread. `now` is in nanoseconds by a clock that does not step.
    func begin(at now: Int64 = steadyNanoseconds()) -> Work {
        let turn = publication.turn.load()
        pace.lock()
        let usual = pace.withHeld { pace in
            pace.note(turn, at: now)
            return pace.nanosecondsPerTurn
        }
        pace.unlock()
        return Work(courtesy: self, nanosecondsPerTurn: usual, turn: turn, time: now)
    }

    /// What one thread does, piece by piece.
    struct Work {
        fileprivate let courtesy: Courtesy
        fileprivate let nanosecondsPerTurn: Int64
        /// The turn when the last piece was done, and when that was.
        fileprivate var turn: UInt32
        fileprivate var time: Int64

        /// In so many turns' usual time one passes as good as surely, unless the appender is kept
        /// from its processor.
        private static let manyTurns: Int64 = 4

        /// Called behind each piece of some ten microseconds. Whoever wants the processor gets it
        /// where no turn has passed during the piece although many should have, or although
        /// somebody is in the middle of an append.
        mutating func endPiece(at now: Int64 = steadyNanoseconds()) {
            let seen = courtesy.publication.turn.load()
            guard seen == turn else {
                (turn, time) = (seen, now)
                return
            }
            let isLate = (now &- time) / Self.manyTurns > nanosecondsPerTurn
            if isLate || courtesy.reservation.isAnyoneIn(behind: seen) {
                courtesy.givenCount.wrappingAdd(1, ordering: .relaxed)
                SystemThread.yield()
                turn = courtesy.publication.turn.load()
                time = steadyNanoseconds()
            } else {
                time = now
            }
        }
    }
}
