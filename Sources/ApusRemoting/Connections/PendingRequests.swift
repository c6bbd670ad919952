// Requests that wait for their responses, by number.

internal import NIOCore

/// What is told when a request has its answer, or will have none.
public typealias InvocationResult = Result<RemotingCommand, RemotingError>

/// Hears once how a request went, on the event loop, and must not block. For what is asked too
/// often to copy each response.
public protocol ResponseReceiver: AnyObject, Sendable {
    /// The response, valid as long as the call.
    func receive(_ response: borrowing Request, on connection: Connection)

    /// No response comes.
    func receive(_ failure: RemotingError)
}

/// Hears of the requests of a run, on the event loop, and must not block.
package protocol RunReceiver: AnyObject, Sendable {
    /// The response to one, valid as long as the call. A server may send any of them again. True
    /// when all of the run have had theirs: nothing more is heard of it then.
    func receive(_ response: borrowing Request, tag: Int, on connection: Connection) -> Bool

    /// Those among these that have had no response will have none.
    func fail(_ tags: Range<Int>, _ failure: RemotingError)
}

/// Hears on the event loop when everything that one read brought has been handed on: for what is
/// better done once for many responses than for each.
public protocol CycleListener: AnyObject, Sendable {
    func cycleEnded(on connection: Connection)
}

/// Who is to be told at the end of a read cycle. Nearly always one, for which nothing is allocated.
struct CycleListeners {
    private var first: (any CycleListener)?
    private var others: [any CycleListener] = []

    mutating func add(_ listener: any CycleListener) {
        if first == nil { first = listener } else { others.append(listener) }
    }

    mutating func takeAll() -> (first: (any CycleListener)?, others: [any CycleListener]) {
        defer {
            first = nil
            others = []
        }
        return (first, others)
    }
}

/// The requests of one connection.
struct PendingRequests {
    struct Entry {
        let code: RequestCode
        let deadline: NIODeadline
        let timeout: Duration
        let waiter: Waiter

        func answer(_ response: borrowing Request, on connection: Connection) {
            switch waiter {
            case .closure(let complete): complete(.success(response.command))
            case .receiver(let receiver): receiver.receive(response, on: connection)
            }
        }

        func fail(_ error: RemotingError) {
            switch waiter {
            case .closure(let complete): complete(.failure(error))
            case .receiver(let receiver): receiver.receive(error)
            }
        }
    }

    enum Waiter {
        case closure(@Sendable (InvocationResult) -> Void)
        case receiver(any ResponseReceiver)
    }

    /// Requests with consecutive numbers, and consecutive tags.
    struct Run {
        var first: Int32
        let count: Int
        let tag: Int
        let code: RequestCode
        let deadline: NIODeadline
        let timeout: Duration
        /// Nil when the run is through.
        var receiver: (any RunReceiver)?

        /// Which of its requests has this number.
        func place(of opaque: Int32) -> Int? {
            let place = Int(opaque) &- Int(first)
            return place >= 0 && place < count ? place : nil
        }
    }

    /// Who waits for a response.
    enum Waiting {
        case entry(Entry)
        case run(any RunReceiver, tag: Int)
    }

    /// Those that will have no response.
    struct Ended {
        var entries: [Entry] = []
        var runs: [Run] = []

        func fail(_ error: (RequestCode, Duration) -> RemotingError) {
            for entry in entries { entry.fail(error(entry.code, entry.timeout)) }
            for run in runs {
                run.receiver?.fail(run.tag..<run.tag + run.count, error(run.code, run.timeout))
            }
        }
    }

    var next: Int32 = 0
    private var entries: [Int32: Entry] = [:]
    /// In the order in which they began: the one that is answered is nearly always the first. Those
    /// before `firstRun` are through.
    private var runs: [Run] = []
    private var firstRun = 0
    /// When the timer that is set goes off; nil when none is.
    var timer: NIODeadline?

    var isEmpty: Bool { entries.isEmpty && firstRun == runs.count }

    /// Gives a request its number. None is given twice while it is in use.
    mutating func add(_ entry: Entry) -> Int32 {
        repeat { next = next == .max ? 1 : next + 1 } while isUsed(next)
        entries[next] = entry
        return next
    }

    /// Gives the requests of a run their numbers, and answers with the first one.
    mutating func add(_ run: Run) -> Int32 {
        var first = next
        repeat {
            first = Int(first) + run.count >= Int(Int32.max) ? 1 : first + 1
        } while overlaps(first, run.count)
        var run = run
        run.first = first
        next = first + Int32(run.count - 1)
        runs.append(run)
        return first
    }

    private func isUsed(_ opaque: Int32) -> Bool {
        entries[opaque] != nil || runs[firstRun...].contains { $0.place(of: opaque) != nil }
    }

    private func overlaps(_ first: Int32, _ count: Int) -> Bool {
        let numbers = Int(first)..<Int(first) + count
        return runs[firstRun...].contains {
            Int($0.first) < numbers.upperBound
                && Int($0.first) + $0.count > numbers.lowerBound
        }
            || entries.keys.contains { numbers.contains(Int($0)) }
    }

    /// Who waits for the response with this number. An entry is taken out; a run stays until its
    /// receiver has had all.
    mutating func find(_ opaque: Int32) -> Waiting? {
        for number in firstRun..<runs.count {
            if let place = runs[number].place(of: opaque), let receiver = runs[number].receiver {
                return .run(receiver, tag: runs[number].tag &+ place)
            }
        }
        return remove(opaque).map { .entry($0) }
    }

    mutating func remove(_ opaque: Int32) -> Entry? { entries.removeValue(forKey: opaque) }

    /// Takes the run out that has this number; false when there is none.
    @discardableResult
    mutating func removeRun(with opaque: Int32) -> Bool {
        for number in firstRun..<runs.count where runs[number].place(of: opaque) != nil {
            if number > firstRun {
                runs.remove(at: number)
            } else {
                // Not moved forward for each: there may be a thousand of one request each.
                runs[number].receiver = nil
                firstRun += 1
                if firstRun == runs.count || firstRun > 64 && 2 * firstRun > runs.count {
                    runs.removeFirst(firstRun)
                    firstRun = 0
                }
            }
            return true
        }
        return false
    }

    /// Takes out all whose time is over, and says when the next one's is.
    mutating func expire(at now: NIODeadline) -> (expired: Ended, next: NIODeadline?) {
        var ended = Ended()
        var earliest: NIODeadline?
        for (opaque, entry) in entries {
            if entry.deadline <= now {
                ended.entries.append(entry)
                entries[opaque] = nil
            } else {
                earliest = min(earliest ?? entry.deadline, entry.deadline)
            }
        }
        runs.removeFirst(firstRun)
        firstRun = 0
        ended.runs = runs.filter { $0.deadline <= now }
        if !ended.runs.isEmpty { runs.removeAll { $0.deadline <= now } }
        for run in runs { earliest = min(earliest ?? run.deadline, run.deadline) }
        return (ended, earliest)
    }

    mutating func removeAll() -> Ended {
        defer {
            entries = [:]
            runs = []
            firstRun = 0
        }
        return Ended(entries: Array(entries.values), runs: Array(runs[firstRun...]))
    }
}
