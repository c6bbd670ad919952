// The files of one queue as one row of units of equal size: 20 bytes in a ConsumeQueue, 46 in a
// BatchConsumeQueue.

package import ApusSystem

/// The units of a queue by their number. Keeps one file open, until `close`.
package final class UnitFiles {
    package let queue: FoundQueue
    package let unitByteCount: Int
    private let disk: any Disk
    private let windowByteCount: Int
    private var window: (file: FoundFile, bytes: FileWindow)?

    package init(
        _ disk: any Disk, _ queue: FoundQueue, unitByteCount: Int, windowByteCount: Int = 16 << 10
    ) {
        self.disk = disk
        self.queue = queue
        self.unitByteCount = unitByteCount
        self.windowByteCount = windowByteCount
    }

    package var isOpen: Bool { window != nil }
    package func close() { window = nil }

    /// The number of the first unit that a file holds whole.
    package func firstUnit(of file: FoundFile) -> Int64 {
        (file.first + Int64(unitByteCount) - 1) / Int64(unitByteCount)
    }

    /// The number behind the last unit that a file holds whole.
    package func endUnit(of file: FoundFile) -> Int64 {
        max(firstUnit(of: file), file.end / Int64(unitByteCount))
    }

    /// The file that holds unit `number` whole.
    package func file(holding number: Int64) -> FoundFile? {
        guard number >= 0, number < Int64.max / Int64(unitByteCount) else { return nil }
        let start = number * Int64(unitByteCount)
        // The last file that starts no later.
        var low = 0
        var high = queue.files.count
        while low < high {
            let middle = (low + high) / 2
            if queue.files[middle].first <= start { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let file = queue.files[low - 1]
        return start + Int64(unitByteCount) <= file.end ? file : nil
    }

    /// Lends the bytes of unit `number`; nil when no file holds it.
    package func withUnit<Result>(
        _ number: Int64, _ body: (RawSpan) -> Result
    ) throws(DiskError) -> Result? {
        guard let file = file(holding: number) else { return nil }
        let bytes = try open(file)
        let position = Int(number * Int64(unitByteCount) - file.first)
        return try bytes.withBytes(at: position, count: unitByteCount) { span in
            span.byteCount == unitByteCount ? body(span) : nil
        }
    }

    /// The number of the first unit at or behind `number` in its file whose bytes may not be zeros;
    /// the end of the file when there is none.
    package func nextData(from number: Int64) throws(DiskError) -> Int64? {
        guard let file = file(holding: number) else { return nil }
        let position = Int(number * Int64(unitByteCount) - file.first)
        guard let data = try open(file).nextData(from: position) else { return endUnit(of: file) }
        return max(number, (file.first + Int64(data)) / Int64(unitByteCount))
    }

    private func open(_ file: FoundFile) throws(DiskError) -> FileWindow {
        if let window, window.file.first == file.first { return window.bytes }
        window = nil
        let opened = try FileWindow(disk, path: file.path, windowByteCount: windowByteCount)
        window = (file, opened)
        return opened
    }
}
