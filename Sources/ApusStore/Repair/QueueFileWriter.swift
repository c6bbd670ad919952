// Writes the files of one queue: units by their number, into a folder where nobody reads yet.
//
// Files have their whole length from the start and holes where nothing is written, as a Java
// broker's. Numbers that no unit was put for, before the last one, get the entry that stands for no
// message. Memory: a few kilobytes a queue.

import ApusFormat
import ApusSystem

/// The new files of one queue.
final class QueueFileWriter: QueueOutput {
    private static let bufferByteCount = 4096

    let name: QueueName
    let folder: String
    let isBatch: Bool
    private let disk: any Disk
    private let fileByteCount: Int64
    private var buffer: [UInt8] = []
    /// Where the buffer goes, in bytes counted over all files.
    private var bufferStart: Int64 = 0
    /// Numbers that were put.
    private var covered: [Range<Int64>] = []
    private var batchEnd: Int64
    /// Starts of the files that were written.
    private var starts: Set<Int64> = []
    private(set) var failure: DiskError?

    /// `start` is where the first file of a BatchConsumeQueue begins.
    init(
        _ disk: any Disk, name: QueueName, folder: String, fileByteCount: Int, isBatch: Bool,
        start: Int64
    ) {
        self.disk = disk
        self.name = name
        self.folder = folder
        self.fileByteCount = Int64(fileByteCount)
        self.isBatch = isBatch
        batchEnd = start
    }

    /// The names of the files, ascending.
    var fileNames: [String] { starts.sorted().map { StoreDirectory.fileName($0) } }

    private var unitsPerFile: Int64 { fileByteCount / Int64(ConsumeQueueUnit.byteCount) }

    /// Whether a number can be one of the queue. So many messages cannot be missing before it: the
    /// number is damaged.
    func takes(_ number: Int64) -> Bool {
        CommitLog.isPlausible(queueOffset: number)
            && covered.last.map { number - $0.upperBound <= 4 * unitsPerFile } ?? true
    }

    func put(_ unit: ConsumeQueueUnit, at number: Int64) {
        guard !isBatch, failure == nil, takes(number) else { return }
        cover(number)
        write(unit, at: number)
    }

    private func write(_ unit: ConsumeQueueUnit, at number: Int64) {
        var bytes = [UInt8](repeating: 0, count: ConsumeQueueUnit.byteCount)
        var span = bytes.mutableRawSpan
        unit.store(into: &span, at: 0)
        write(bytes, at: number * Int64(bytes.count))
    }

    func append(_ unit: BatchConsumeQueueUnit) {
        guard isBatch, failure == nil else { return }
        var bytes = [UInt8](repeating: 0, count: BatchConsumeQueueUnit.byteCount)
        var span = bytes.mutableRawSpan
        unit.store(into: &span, at: 0)
        write(bytes, at: batchEnd)
        batchEnd += Int64(bytes.count)
    }

    func restart() {
        flush()
        covered = []
        starts = []
    }

    /// Fills what is missing, gives the files their length, and brings all to the device.
    func finish() throws(DiskError) {
        fill()
        flush()
        if let failure { throw failure }
        // Nothing was put: no folder, whose name may be anything.
        if starts.isEmpty { return }
        for name in fileNames {
            let file = try disk.open("\(folder)/\(name)", .readWrite)
            defer { file.close() }
            try file.truncate(to: Int(fileByteCount))
            try file.sync()
        }
        try disk.syncDirectory(folder)
    }

    private func cover(_ number: Int64) {
        if let last = covered.last, last.upperBound == number {
            covered[covered.count - 1] = last.lowerBound..<number + 1
        } else {
            covered.append(number..<number + 1)
        }
    }

    private func fill() {
        guard !isBatch else { return }
        let sorted = covered.sorted { $0.lowerBound < $1.lowerBound }
        guard let first = sorted.first else { return }
        var next = first.lowerBound / unitsPerFile * unitsPerFile
        for range in sorted {
            while next < range.lowerBound {
                write(.filler, at: next)
                next += 1
            }
            next = max(next, range.upperBound)
        }
    }

    private func write(_ bytes: [UInt8], at place: Int64) {
        if bufferStart + Int64(buffer.count) != place
            || buffer.count + bytes.count > Self.bufferByteCount
        {
            flush()
            bufferStart = place
        }
        buffer += bytes
    }

    private func flush() {
        guard !buffer.isEmpty, failure == nil else { return }
        do throws(DiskError) {
            var done = 0
            while done < buffer.count {
                let place = bufferStart + Int64(done)
                let start = place / fileByteCount * fileByteCount
                let count = min(buffer.count - done, Int(start + fileByteCount - place))
                try write(done..<done + count, toFileAt: start, position: Int(place - start))
                done += count
            }
        } catch {
            failure = error
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func write(
        _ range: Range<Int>, toFileAt start: Int64, position: Int
    ) throws(DiskError) {
        let isNew = starts.insert(start).inserted
        if starts.count == 1, isNew { try disk.createDirectories(folder) }
        let file = try disk.open(
            "\(folder)/\(StoreDirectory.fileName(start))", isNew ? .createEmpty : .readWrite)
        defer { file.close() }
        try file.write([UInt8](buffer[range]).rawSpan, at: position)
    }
}
