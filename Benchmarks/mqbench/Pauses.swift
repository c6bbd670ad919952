// What held an appending thread up for longer than a millisecond.
//
// The kernel counts faults, sleeps and preemptions of a thread. They are read once for many
// appends, since that costs more than an append, and again behind a pause: what rose meanwhile is
// taken for its cause, the rarer one first.

import ApusStore
import Bench
import CRoofline

/// Causes of a pause.
enum PauseCause: String, CaseIterable, Sendable {
    /// The log went on to its next segment.
    case roll = "segment roll"
    /// Page faults, into memory that nobody had brought in.
    case fault = "page fault"
    /// Sleeps: on a lock, for room, or on the device.
    case wait = "wait for a lock or the device"
    /// Another thread had the processor.
    case preemption = "processor taken away"
    /// Between two appends, so not the store's.
    case between = "outside of an append"
    /// None of these: the host of a virtual machine had the processor, or the kernel did.
    case host = "on the processor: kernel or host"
}

/// The pauses of one thread.
struct Pauses: Sendable {
    /// Nanoseconds above which something counts as a pause.
    static let threshold: Int64 = 1_000_000
    /// Appends between two looks at what the kernel counts.
    private static let lookInterval = 1024

    private(set) var found: [PauseCause: (count: Int, longest: Int64)] = [:]
    private var last = croofline_thread_usage()
    private var lastSegment: Int64 = 0
    private var untilLook = 0

    init() {}

    /// Called behind each append. `late` is how long after its time it began, `taken` how long it
    /// took.
    @inline(__always)
    mutating func note(late: Int64, taken: Int64, _ store: MessageStore, segment byteCount: Int) {
        untilLook -= 1
        if untilLook > 0, late < Self.threshold, taken < Self.threshold { return }
        look(late: late, taken: taken, store.published / Int64(byteCount))
    }

    @inline(never)
    private mutating func look(late: Int64, taken: Int64, _ segment: Int64) {
        let now = croofline_thread_usage()
        if taken >= Self.threshold {
            add(
                segment != lastSegment
                    ? .roll
                    : now.faults > last.faults
                        ? .fault
                        : now.waits > last.waits
                            ? .wait : now.preemptions > last.preemptions ? .preemption : .host,
                taken)
        } else if late >= Self.threshold {
            add(.between, late)
        }
        last = now
        lastSegment = segment
        untilLook = Self.lookInterval
    }

    private mutating func add(_ cause: PauseCause, _ nanoseconds: Int64) {
        let known = found[cause] ?? (0, 0)
        found[cause] = (known.count + 1, max(known.longest, nanoseconds))
    }

    mutating func merge(_ other: Pauses) {
        for (cause, more) in other.found {
            let known = found[cause] ?? (0, 0)
            found[cause] = (known.count + more.count, max(known.longest, more.longest))
        }
    }

    /// A line for people.
    var note: String {
        guard !found.isEmpty else { return "no pause of more than 1 ms" }
        let parts = PauseCause.allCases.compactMap { cause in
            found[cause].map {
                "\($0.count) \(cause.rawValue) (longest \(Figure.duration($0.longest)))"
            }
        }
        return "pauses of more than 1 ms: " + parts.joined(separator: ", ")
    }

    var json: JSONValue {
        .object(
            PauseCause.allCases.compactMap { cause in
                found[cause].map {
                    (
                        "\(cause)",
                        .object([
                            ("count", .count($0.count)),
                            ("longestNanoseconds", .integer($0.longest)),
                        ])
                    )
                }
            })
    }
}
