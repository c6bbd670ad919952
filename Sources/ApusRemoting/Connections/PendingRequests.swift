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

/// Hears on the event loop when everything that one read brought has been handed on: for what is
/// better done once for many responses than for each.
public protocol CycleListener: AnyObject, Sendable {
    func cycleEnded()
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

    private var next: Int32 = 0
    private var entries: [Int32: Entry] = [:]
    /// When the timer that is set goes off; nil when none is.
    var timer: NIODeadline?

    var isEmpty: Bool { entries.isEmpty }

    /// Gives a request its number. None is given twice while it is in use.
    mutating func add(_ entry: Entry) -> Int32 {
        repeat { next = next == .max ? 1 : next + 1 } while entries[next] != nil
        entries[next] = entry
        return next
    }

    mutating func remove(_ opaque: Int32) -> Entry? { entries.removeValue(forKey: opaque) }

    /// Takes out all whose time is over, and says when the next one's is.
    mutating func expire(at now: NIODeadline) -> (expired: [Entry], next: NIODeadline?) {
        var expired: [Entry] = []
        var earliest: NIODeadline?
        for (opaque, entry) in entries {
            if entry.deadline <= now {
                expired.append(entry)
                entries[opaque] = nil
            } else {
                earliest = min(earliest ?? entry.deadline, entry.deadline)
            }
        }
        return (expired, earliest)
    }

    mutating func removeAll() -> [Entry] {
        defer { entries = [:] }
        return Array(entries.values)
    }
}
