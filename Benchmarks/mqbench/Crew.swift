// Threads that start together and are measured together.

import ApusSystem
import CRoofline
import Foundation
import Synchronization

/// Runs the same work on several threads.
enum Crew {
    /// Runs `work` for each member at the same time; one member runs on the calling thread. Answers
    /// their results and the time from the common start to the end of the last one.
    static func run<Outcome: Sendable>(
        _ members: Int, _ work: @escaping @Sendable (Int) throws -> Outcome
    ) throws -> (outcomes: [Outcome], nanoseconds: Int64) {
        if members == 1 {
            let start = croofline_now()
            let outcome = try work(0)
            return ([outcome], croofline_now() - start)
        }
        let shared = Start<Outcome>()
        let threads = try (0..<members).map { member in
            try SystemThread(name: "bench-\(member)") {
                shared.ready.wrappingAdd(1, ordering: .sequentiallyConsistent)
                while shared.ready.load(ordering: .acquiring) < members { SystemThread.yield() }
                _ = shared.begun.compareExchange(
                    expected: 0, desired: croofline_now(), ordering: .relaxed)
                let result = Result { try work(member) }
                shared.results.withLock { $0.append(result) }
            }
        }
        for thread in threads { thread.join() }
        let end = croofline_now()
        let outcomes = try shared.results.withLock { try $0.map { try $0.get() } }
        return (outcomes, end - shared.begun.load(ordering: .acquiring))
    }

    private final class Start<Outcome: Sendable>: Sendable {
        let ready = Atomic<Int>(0)
        let begun = Atomic<Int64>(0)
        let results = Mutex<[Result<Outcome, any Error>]>([])
    }
}
