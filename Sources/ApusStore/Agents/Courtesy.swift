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
    /// Nanoseconds that do not step back.
    private let now: @Sendable () -> Int64
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

    init(
        _ publication: Publication, _ reservation: Reservation,
        now: @escaping @Sendable () -> Int64 = { steadyNanoseconds() }
    ) {
        self.publication = publication
        self.reservation = reservation
        self.now = now
    }

    /// Begins the work of one thread.
    func begin() -> Work {
        let (turn, time) = (publication.turn.load(), now())
        let usual = pace.withLock { pace in
            pace.note(turn, at: time)
            return pace.nanosecondsPerTurn
        }
        return Work(courtesy: self, nanosecondsPerTurn: usual, turn: turn, time: time)
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
        mutating func endPiece() {
            let passed = courtesy.now() &- time
            let isLate = passed / Self.manyTurns > nanosecondsPerTurn
            if courtesy.publication.turn.load() == turn,
                isLate || courtesy.reservation.isAnyoneIn(behind: turn)
            {
                courtesy.givenCount.wrappingAdd(1, ordering: .relaxed)
                SystemThread.yield()
            }
            // What passes while it has no processor is not the next piece's.
            (turn, time) = (courtesy.publication.turn.load(), courtesy.now())
        }
    }
}
