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
    let count: Int
    /// Messages in one call.
    let batch: Int
    /// Allocates once for each call, so that the count of allocations can be seen to work.
    let plantsAllocation: Bool
}

/// What one writer found.
struct AppendOutcome: Sendable {
    var nanoseconds: Int64 = 0
    /// -1 when nothing counts.
    var allocations: Int64 = 0
    var latency = Histogram()
}

/// The bytes that a writer hands over; of its own, since keys are written into them.
struct AppendBuffers {
    let bodies: [UInt8]
    var properties: [UInt8]

    init(_ messages: SampleMessages) {
        bodies = messages.bodies
        properties = messages.properties
    }
}

extension AppendTask {
    /// As fast as it goes, without a look at the clock for each message.
    func run() throws -> AppendOutcome {
        var outcome = AppendOutcome()
        var buffers = AppendBuffers(messages)
        let frames = batch > 1 ? self.frames() : []
        let allocations = callocationcounter_thread()
        let start = croofline_now()
        if batch > 1 {
            try appendBatches(frames)
        } else {
            try appendSingly(&buffers)
        }
        outcome.nanoseconds = croofline_now() - start
        outcome.allocations = Self.difference(allocations, callocationcounter_thread())
        return outcome
    }

    static func difference(_ before: Int64, _ after: Int64) -> Int64 {
        before < 0 ? -1 : after - before
    }

    @inline(never)
    private func appendSingly(_ buffers: inout AppendBuffers) throws {
        let queue = queues[0]
        let attributes = MessageAttributes()
        for index in 0..<count {
            try appendOne(
                index, to: queues.count == 1 ? queue : queues[(first &+ index) % queues.count],
                &buffers, attributes)
        }
    }

    /// Appends the writer's message number `index`.
    @inline(__always)
    func appendOne(
        _ index: Int, to queue: MessageQueue, _ buffers: inout AppendBuffers,
        _ attributes: MessageAttributes
    ) throws {
        let kind = index & (messages.kinds - 1)
        let length = messages.propertiesByteCount
        if messages.keyCount > 0 {
            setKeys(first &+ index, in: &buffers.properties, from: kind * length)
        }
        if plantsAllocation { free(malloc(24)) }
        let size = messages.bodyByteCount
        try store.append(
            to: queue,
            body: buffers.bodies.span.bytes.extracting(kind * size..<(kind + 1) * size),
            properties: buffers.properties.span.bytes
                .extracting(kind * length..<(kind + 1) * length),
            attributes: attributes)
    }

    /// Writes the number of a message into the keys of its properties.
    private func setKeys(_ number: Int, in properties: inout [UInt8], from start: Int) {
        for key in 0..<messages.keyCount {
            var left = number
            var place = start + 5 + 17 * key + 15
            for _ in 0..<12 {
                let digit = UInt8(truncatingIfNeeded: left & 15)
                properties[place] = digit < 10 ? 48 + digit : 87 + digit
                left >>= 4
                place -= 1
            }
        }
    }

    /// One batch of the messages as a client encodes it; every call sends the same.
    private func frames() -> [UInt8] {
        var frames: [UInt8] = []
        let bodies = messages.bodies
        let properties = messages.properties
        let length = messages.propertiesByteCount
        let size = messages.bodyByteCount
        for index in 0..<batch {
            let kind = index & (messages.kinds - 1)
            ClientBatch.encode(
                flag: 0,
                body: bodies.span.bytes.extracting(kind * size..<(kind + 1) * size),
                properties: properties.span.bytes
                    .extracting(kind * length..<(kind + 1) * length),
                into: &frames)
        }
        return frames
    }

    @inline(never)
    private func appendBatches(_ frames: [UInt8]) throws {
        for call in 0..<count / batch {
            if plantsAllocation { free(malloc(24)) }
            try store.append(
                to: queues[(first &+ call) % queues.count], batch: frames.span.bytes)
        }
    }

    /// With a look at the clock around each call. `interval` nanoseconds lie between the times at
    /// which calls are due; 0 for one behind the other.
    ///
    /// With an interval a latency is taken from the time at which the call was due, whether or not
    /// the writer could make it then: a stall counts for every call that it delays.
    func runTimed(interval: Int64) throws -> AppendOutcome {
        var outcome = AppendOutcome()
        var buffers = AppendBuffers(messages)
        let frames = batch > 1 ? self.frames() : []
        let attributes = MessageAttributes()
        let start = croofline_now()
        var due = start
        for call in 0..<count / batch {
            if interval > 0 {
                while croofline_now() < due {}
            } else {
                due = croofline_now()
            }
            let queue = queues[(first &+ call) % queues.count]
            if batch > 1 {
                try store.append(to: queue, batch: frames.span.bytes)
            } else {
                try appendOne(call, to: queue, &buffers, attributes)
            }
            outcome.latency.record(croofline_now() - due)
            due += interval
        }
        outcome.nanoseconds = croofline_now() - start
        return outcome
    }
}
