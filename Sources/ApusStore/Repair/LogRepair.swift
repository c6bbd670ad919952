// What a repair does to the log itself: where it is to end, and how it is made to.
//
// The log is cut only where nothing says that what follows was durable: never below the durable
// mark, and without a mark never before valid records, unless the caller wants that. Later files go
// first, the newest first, so that an interrupted cut leaves no gap; then the rest of the file is
// zeroed. Each step is durable before the next.

import ApusFormat
import ApusSystem

/// Cuts and lengthens the log.
struct LogRepair {
    let disk: any Disk
    let files: StoreFiles
    let options: RepairOptions

    /// Where the log is to be cut, and the stretch that begins there; nil when it is not.
    func cut(_ examination: Examination) -> LogStretch? {
        let durable = files.mark?.logDurable
        for tally in examination.stretches {
            let stretch = tally.stretch
            if let durable, stretch.start < durable { continue }
            switch stretch.cause {
            case .unreadable: return nil
            case .missing, .cutShort: continue
            case .zeros:
                if tally.isTail || durable == nil && !options.cutsAtDamage { continue }
            case .damaged, .remains:
                // A tail that begins below the mark is damage, and nothing behind it is safe to
                // judge.
                if !tally.isTail, durable == nil, !options.cutsAtDamage { continue }
            }
            return isBehindDamage(stretch, examination) ? nil : stretch
        }
        return nil
    }

    /// Whether the log has no certain end before a stretch: its last record ends below the mark.
    private func isBehindDamage(_ stretch: LogStretch, _ examination: Examination) -> Bool {
        guard let durable = files.mark?.logDurable else { return false }
        return stretch.start > examination.logEnd && examination.logEnd < durable
    }

    /// Files that are shorter than the others, with the length that they should have.
    var shortSegments: [(file: FoundFile, length: Int)] {
        let length = files.usualSegmentLength
        return files.segments.compactMap {
            // An empty last one was about to be made, and goes at the next open.
            guard $0.byteCount < length, $0.byteCount > 0,
                files.segments.allSatisfy({ $0.first % Int64(length) == 0 })
            else { return nil }
            return ($0, length)
        }
    }

    func extendSegments() throws(DiskError) {
        for (file, length) in shortSegments {
            let open = try disk.open(file.path, .readWrite)
            defer { open.close() }
            try open.truncate(to: length)
            try open.sync()
        }
    }

    /// Makes the log end at `end`, after copying what stands behind it.
    func run(cutAt end: Int64, _ copies: RepairCopies) throws(DiskError) {
        for file in files.segments.reversed() where file.end > end {
            let position = Int(max(0, end - file.first))
            guard let last = try lastData(of: file, from: position) else { continue }
            let name = StoreDirectory.fileName(file.first + Int64(position))
            if position == 0, file.first != files.segments.first?.first {
                try copies.move(file.path, as: "\(name)-\(file.byteCount)")
                continue
            }
            try copies.keep(file.path, position..<last, as: "\(name)-\(last - position)")
            let open = try disk.open(file.path, .readWrite)
            defer { open.close() }
            try open.zero(from: position, count: file.byteCount - position)
            try open.sync()
        }
        try disk.syncDirectory(files.directory.commitLog)
    }

    /// The position behind the last byte that is not zero; nil when all from `position` on are.
    private func lastData(of file: FoundFile, from position: Int) throws(DiskError) -> Int? {
        let window = try FileWindow(disk, path: file.path, windowByteCount: 1 << 20)
        var last: Int?
        var place = position
        while let data = try window.nextData(from: place), data < window.byteCount {
            place = max(place, data)
            let count = min(1 << 16, window.byteCount - place)
            let isZero = try window.withBytes(at: place, count: count) { $0.isZero }
            if !isZero { last = place + count }
            place += count
        }
        return last
    }
}
