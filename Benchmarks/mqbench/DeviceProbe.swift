// What the device can do, with each way of making a written block durable.

import Bench
import CRoofline
import Foundation
import Histogram

/// The raw device, in a file of its own whose blocks are allocated and written once.
struct DeviceProbe {
    private let path: String
    private let byteCount: Int64

    init(_ workplace: Workplace, byteCount: Int) throws {
        path = workplace.newPath("device")
        self.byteCount = Int64(byteCount)
        let code = croofline_prepare(path, Int64(byteCount))
        guard code == 0 else {
            throw BenchError("cannot prepare \(path): \(String(cString: strerror(code)))")
        }
    }

    /// The way that makes the most blocks of `block` bytes durable one behind the other, and how
    /// many a second. A way that this file system does not know is passed over.
    func bestSync(
        block: Int, seconds: Double
    ) throws -> (name: String, perSecond: Double, latency: Histogram) {
        let all = syncLatencies(block: block, seconds: seconds).map { name, latency in
            (name, 1e9 / Swift.max(1, latency.mean), latency)
        }
        guard let best = all.max(by: { $0.1 < $1.1 }) else {
            throw BenchError("the device makes nothing durable")
        }
        return best
    }

    /// What two threads in C come to that hand messages over to each other, one of which commits:
    /// the better of beginning the next commit at once and of waiting a moment for who is about to
    /// be back. Nil where the file system knows no `RWF_DSYNC`.
    func bestCommits(
        of messages: SampleMessages, inFlight: Int, seconds: Double
    ) throws -> croofline_commits? {
        var message = messages.c
        let all = try [Int32(0), 1].compactMap { gathers in
            var result = croofline_commits()
            let code = croofline_commit(
                path, byteCount, &message, Int64(inFlight), gathers, seconds / 2, &result)
            if code == EOPNOTSUPP || code == ENOSYS { return croofline_commits?.none }
            guard code == 0 else {
                throw BenchError("cannot commit to \(path): \(String(cString: strerror(code)))")
            }
            return result
        }
        return all.max { $0.per_second < $1.per_second }
    }

    /// Bytes a second that the device takes in one file, whose pages are in memory, again and
    /// again, synced each 32 MiB.
    func sustained(seconds: Double) throws -> Double {
        try Self.checked(croofline_sustained_write(path, byteCount, seconds))
    }

    /// Bytes a second that it takes as a log comes to it: into new files, each written once. At
    /// most `limit` bytes, which are removed.
    func sequential(
        _ workplace: Workplace, fileByteCount: Int, limit: Int, seconds: Double
    ) throws -> Double {
        try Self.checked(
            croofline_sequential_write(
                workplace.newPath("log"), Int64(fileByteCount), Int64(limit), seconds))
    }

    /// A rate, or a negated errno value instead of one.
    static func checked(_ rate: Double) throws -> Double {
        guard rate > 0 else {
            let reason = rate < 0 ? String(cString: strerror(Int32(-rate))) : "nothing was written"
            throw BenchError("the device cannot be written to: \(reason)")
        }
        return rate
    }

    /// The same for a directory, in a file that is made for it and removed.
    static func sustained(in parent: String, seconds: Double, isSmoke: Bool) throws -> Double {
        let workplace = try Workplace(parent: parent, needing: 1 << 30)
        let probe = try DeviceProbe(workplace, byteCount: isSmoke ? 64 << 20 : 512 << 20)
        return try probe.sustained(seconds: seconds)
    }

    /// Latencies of blocks of `block` bytes, each made durable before the next, by the ways that
    /// this file system knows.
    func syncLatencies(block: Int, seconds: Double) -> [(name: String, latency: Histogram)] {
        let limit = 1 << 16
        let latencies = UnsafeMutablePointer<Int64>.allocate(capacity: limit)
        defer { latencies.deallocate() }
        let methods = Int32(CROOFLINE_METHODS.rawValue)
        return (0..<methods).compactMap { method in
            let count = croofline_sync_writes(
                path, method, byteCount, Int64(block), seconds / Double(methods), Int64(limit),
                latencies)
            guard count > 0 else { return nil }
            var latency = Histogram()
            for index in 0..<Int(count) { latency.record(latencies[index]) }
            return (String(cString: croofline_method_name(method)), latency)
        }
    }
}
