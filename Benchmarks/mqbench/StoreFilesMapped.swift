// The files of a store as the C loops read them: the very pages that the store reads.

import ApusStore
import CRoofline
import Foundation

/// The log and one queue of a store, mapped to read, and its first IndexFile.
final class StoreFilesMapped {
    let segments: MappedPieces
    private let queue: MappedPieces
    private let index: MappedPieces?
    let segmentPaths: [String]

    init(store path: String, withIndex: Bool = false) throws {
        let directory = StoreDirectory(root: path)
        segmentPaths = try Self.files(in: directory.commitLog)
        segments = try MappedPieces(mapping: segmentPaths)
        queue = try MappedPieces(
            mapping: Self.files(in: directory.queue(topic: SampleMessages.topic, queueID: 0)))
        index = try withIndex ? MappedPieces(mapping: Self.files(in: directory.index)) : nil
    }

    private static func files(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
            .map { "\(directory)/\($0)" }
    }

    /// As the C loops take it.
    var log: croofline_log {
        croofline_log(segments: segments.pieces, queue: queue.pieces, position: 0, queue_offset: 0)
    }

    /// Walks `count` messages; answers nanoseconds, or nil when one is not right.
    func walk(_ count: Int, from first: Int = 0) -> Int64? {
        var log = log
        let start = croofline_now()
        let right = croofline_walk(&log, Int64(first), Int64(count))
        let end = croofline_now()
        return right == count ? end - start : nil
    }

    /// Looks up each of `keys`; answers nanoseconds, or nil when one is not found.
    func lookUp(_ keys: [String], slotCount: Int32, entryCapacity: Int32) -> Int64? {
        var log = log
        var index = croofline_index(
            bytes: self.index?.start, slots: Int64(slotCount), entries: Int64(entryCapacity))
        let topic = "\(SampleMessages.topic)#"
        let texts = keys.map { Array((topic + $0).utf8) }
        let start = croofline_now()
        for text in texts {
            let keyByteCount = Int64(text.count - topic.utf8.count)
            if croofline_lookup(&index, &log, text, Int64(text.count), keyByteCount) < 0 {
                return nil
            }
        }
        return croofline_now() - start
    }
}
