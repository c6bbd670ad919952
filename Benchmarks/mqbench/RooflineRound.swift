// The loops in C, in files of the same directory, as long as the store's segment: room allocated,
// mapped, and every page of log and queue brought in before the clock starts. The store's log is
// prepared like that too; its queue files get room in steps while it runs, which is its own cost.

import Bench
import CRoofline
import Foundation

/// A log for the C loops.
final class RooflineRound {
    private let log: UnsafeMutablePointer<croofline_log>
    private let segments: MappedPieces
    private let queue: MappedPieces
    private let workplace: Workplace
    private let path: String
    private let messages: SampleMessages
    /// Where there is more than one queue and one writer.
    private var many: ManyQueues?

    /// Room for `count` messages in one segment of `segmentByteCount` bytes.
    ///
    /// With more than one of `queues`, each has its own pages, of as many entries as are likely to
    /// be drawn for it and some more.
    init(
        _ workplace: Workplace, messages: SampleMessages, segmentByteCount: Int, count: Int,
        queues: Int = 1
    ) throws {
        self.workplace = workplace
        self.messages = messages
        path = workplace.newPath("c")
        segments = try MappedPieces(making: 1, in: "\(path)/log", byteCount: segmentByteCount)
        let units = (count + 16) * 20
        queue = try MappedPieces(
            making: 1, in: "\(path)/queue", byteCount: (units + 4095) / 4096 * 4096 / 20 * 20)
        log = .allocate(capacity: 1)
        log.initialize(
            to: croofline_log(
                segments: segments.pieces, queue: queue.pieces, position: 0, queue_offset: 0))
        if queues > 1 { many = try ManyQueues(queues, in: "\(path)/queues", count: count) }
    }

    deinit {
        log.deallocate()
        workplace.remove(path)
    }

    /// Nanoseconds of a processor that the last `append` of one writer took.
    private(set) var processorNanoseconds: Int64 = 0

    /// Appends `count` messages and answers nanoseconds; nil when they did not fit.
    ///
    /// `first` is the number of the first message, from which its queue is drawn.
    func append(_ count: Int, batch: Int, writers: Int, first: Int = 0) throws -> Int64? {
        if writers > 1 { return try appendShared(count, writers: writers) }
        var message = messages.c
        let processor = mqbench.processorNanoseconds()
        let start = croofline_now()
        let done =
            if var queues = many?.c {
                croofline_append_queues(
                    log, &queues, &message, Int64(first), Int64(count), Int64(batch))
            } else {
                croofline_append(log, &message, Int64(count), Int64(batch))
            }
        let end = croofline_now()
        processorNanoseconds = mqbench.processorNanoseconds() - processor
        return done == count ? end - start : nil
    }

    private func appendShared(_ count: Int, writers: Int) throws -> Int64? {
        // Safe: the loop is made for threads that share a log, and it outlives them.
        nonisolated(unsafe) let log = log
        let messages = messages
        let (done, nanoseconds) = try Crew.run(writers) { _ in
            var message = messages.c
            return croofline_append_shared(log, &message, Int64(count / writers))
        }
        return done.reduce(0, +) == count / writers * writers ? nanoseconds : nil
    }

    /// Whether the first `count` messages are there and right.
    func check(_ count: Int) -> Bool {
        if let many { return many.walk(log.pointee) == count }
        return croofline_walk(log, 0, Int64(count)) == count
    }

    /// Copies as many records as long over the same segment, and answers nanoseconds.
    func copy(_ count: Int) -> Int64? {
        let size = messages.recordByteCount
        let source = segments.prefix(size * messages.kinds)
        let kinds = source.count / size
        log.pointee.position = 0
        let start = croofline_now()
        let done = croofline_copy(log, source, Int64(size), Int64(kinds), Int64(count))
        let end = croofline_now()
        return done == count ? end - start : nil
    }
}

/// Queues of the C loop, each in pages of its own of one file.
private final class ManyQueues {
    let c: croofline_queues
    private let file: MappedPieces

    init(_ queues: Int, in directory: String, count: Int) throws {
        let mean = Double(count) / Double(queues)
        let units = Int(mean + 8 * mean.squareRoot()) + 40
        let byteCount = (units * 20 + 4095) / 4096 * 4096
        file = try MappedPieces(making: 1, in: directory, byteCount: queues * byteCount)
        guard let areas = file.pieces.starts[0] else { throw BenchError("no queues were mapped") }
        let offsets = UnsafeMutablePointer<Int64>.allocate(capacity: queues)
        offsets.initialize(repeating: 0, count: queues)
        c = croofline_queues(
            areas: areas, bytes: Int64(byteCount), count: Int64(queues), offsets: offsets)
    }

    deinit { c.offsets.deallocate() }

    /// How many entries of `log` are right.
    func walk(_ log: croofline_log) -> Int {
        (0..<Int(c.count)).reduce(0) { sum, queue in
            var start: UnsafeMutablePointer<UInt8>? = c.areas + queue * Int(c.bytes)
            return withUnsafePointer(to: &start) { start in
                var one = log
                one.queue = croofline_pieces(starts: start, count: 1, bytes: c.bytes / 20 * 20)
                return sum + Int(croofline_walk(&one, 0, c.offsets[queue]))
            }
        }
    }
}
