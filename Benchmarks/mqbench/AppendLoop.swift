// The loops that call the store. Nothing is in them but the call and the choice of the message, so
// that what they cost is what a caller pays.

import ApusFormat
import ApusStore
import CAllocationCounter
import CRoofline
import Foundation
import Histogram

/// What one writer appends.
struct AppendTask: Sendable {
    let store: MessageStore
    let queues: [MessageQueue]
    let messages: SampleMessages
    /// The number of the writer's first message, for keys and for the choice of a queue.
    let first: Int
    /// Whether queues take turns, instead of being drawn.
    var takesTurns = false
    let count: Int
    /// Messages in one call.
    let batch: Int
    /// Allocates once for each call, so that the count of allocations can be seen to work.
    let plantsAllocation: Bool
}

/// The queue of message `number`: uniformly random, and the same in the C loop.
@inline(__always)
func queueNumber(_ number: Int, of queues: Int) -> Int {
    Int(croofline_queue(Int64(number), Int64(queues)))
}

/// What one writer found.
struct AppendOutcome: Sendable {
    var nanoseconds: Int64 = 0
    /// Of a processor, by `run` only.
    var processorNanoseconds: Int64 = 0
    /// Messages appended.
    var count = 0
    /// -1 when nothing counts.
    var allocations: Int64 = 0
    var latency = Histogram()
    /// By `runTimed` with a segment's length.
    var pauses = Pauses()

    mutating func countAllocations(since before: Int64) {
        let now = callocationcounter_thread()
        allocations = now < 0 ? -1 : now - before
    }

    /// Takes in what another thread did, or another round, but for how long it took.
    mutating func add(_ other: AppendOutcome) {
        count += other.count
        latency.merge(other.latency)
        pauses.merge(other.pauses)
        allocations = other.allocations < 0 ? -1 : allocations + other.allocations
    }
}

extension AppendTask {
    /// As fast as it goes, without a look at the clock for each message.
    func run() throws -> AppendOutcome {
        var outcome = AppendOutcome()
        var bytes = AppendBytes(messages, batch: batch, plants: plantsAllocation)
        let allocations = callocationcounter_thread()
        let processor = mqbench.processorNanoseconds()
        let start = croofline_now()
        if batch > 1 {
            try Self.appendBatches(store, queues, bytes, first, count / batch)
        } else if queues.count == 1 {
            try Self.appendSingly(store, queues[0], &bytes, first, count)
        } else {
            try Self.appendToMany(self, &bytes)
        }
        outcome.nanoseconds = croofline_now() - start
        outcome.processorNanoseconds = mqbench.processorNanoseconds() - processor
        outcome.countAllocations(since: allocations)
        outcome.count = count / batch * batch
        return outcome
    }

    @inline(never)
    private static func appendSingly(
        _ store: MessageStore, _ queue: MessageQueue, _ bytes: inout AppendBytes, _ first: Int,
        _ count: Int
    ) throws {
        let attributes = MessageAttributes()
        for number in first..<first + count {
            try bytes.append(number, to: queue, of: store, attributes)
        }
    }

    @inline(never)
    private static func appendToMany(_ task: AppendTask, _ bytes: inout AppendBytes) throws {
        let attributes = MessageAttributes()
        let store = task.store
        let queues = MessageQueueList(task.queues)
        for number in task.first..<task.first + task.count {
            let queue =
                task.takesTurns ? number % queues.count : queueNumber(number, of: queues.count)
            try queues.withQueue(at: queue) {
                try bytes.append(number, to: $0, of: store, attributes)
            }
        }
    }

    @inline(never)
    private static func appendBatches(
        _ store: MessageStore, _ queues: [MessageQueue], _ bytes: AppendBytes, _ first: Int,
        _ calls: Int
    ) throws {
        for call in 0..<calls {
            let queue = queueNumber(first &+ call, of: queues.count)
            try bytes.appendBatch(to: queues[queue], of: store)
        }
    }

    /// With a look at the clock around each call, until `count` messages are appended or the
    /// monotonic clock is past `end`. `interval` nanoseconds lie between the times at which calls
    /// are due; 0 for one behind the other.
    ///
    /// With an interval a latency is taken from the time at which the call was due, whether or not
    /// the writer could make it then: a stall counts for every call that it delays.
    ///
    /// Pauses are told apart when the length of the log's segments is given.
    func runTimed(
        interval: Int64, until end: Int64 = .max, segment: Int = 0
    ) throws -> AppendOutcome {
        var outcome = AppendOutcome()
        var bytes = AppendBytes(messages, batch: batch, plants: plantsAllocation)
        let attributes = MessageAttributes()
        let allocations = callocationcounter_thread()
        let start = croofline_now()
        var due = start
        var now = start
        var called = start
        var number = first
        while outcome.count + batch <= count, now < end {
            if interval > 0 {
                repeat { called = croofline_now() } while called < due
            } else {
                due = croofline_now()
                called = due
            }
            let late = called - max(due, now)
            let queue = queues[queueNumber(number, of: queues.count)]
            if batch > 1 {
                try bytes.appendBatch(to: queue, of: store)
            } else {
                try bytes.append(number, to: queue, of: store, attributes)
            }
            now = croofline_now()
            outcome.latency.record(now - due)
            if segment > 0 {
                outcome.pauses.note(late: late, taken: now - called, store, segment: segment)
            }
            outcome.count += batch
            number += 1
            due += interval
        }
        outcome.nanoseconds = now - start
        outcome.countAllocations(since: allocations)
        return outcome
    }
}
