// Standard output in blocks, standard error, and a line of progress when someone is looking.

import Foundation

/// Where the command prints. Used by one thread.
final class Console {
    private var buffer: [UInt8] = []
    private let begun = Date()
    private var lastProgress = Date.distantPast
    private var hasProgress = false
    private let showsProgress = isatty(2) == 1

    /// Prints a line to standard output.
    func line(_ text: String = "") {
        buffer.append(contentsOf: text.utf8)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= 1 << 16 { flush() }
    }

    /// Writes out what was printed.
    func flush() {
        guard !buffer.isEmpty else { return }
        try? FileHandle.standardOutput.write(contentsOf: Data(buffer))
        buffer.removeAll(keepingCapacity: true)
    }

    /// Prints a line to standard error, behind what was printed before.
    func warn(_ text: String) {
        flush()
        endProgress()
        try? FileHandle.standardError.write(contentsOf: Data("mqstore: \(text)\n".utf8))
    }

    /// Shows how far a long scan is: on a terminal, after two seconds, five times a second.
    func progress(_ done: Int64, of total: Int64) {
        guard showsProgress, total > 0 else { return }
        let now = Date()
        guard now.timeIntervalSince(begun) > 2, now.timeIntervalSince(lastProgress) > 0.2 else {
            return
        }
        lastProgress = now
        hasProgress = true
        let share = min(1, Double(done) / Double(total))
        let filled = Int(share * 30)
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: 30 - filled)
        let left = share > 0 ? now.timeIntervalSince(begun) * (1 - share) / share : 0
        let text =
            "\r[\(bar)] \(Int(share * 100)) %, \(ByteCount.text(done)) of"
            + " \(ByteCount.text(total)), \(Int(left)) s left\u{1B}[K"
        try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
    }

    /// Removes the line of progress.
    func endProgress() {
        guard hasProgress else { return }
        hasProgress = false
        try? FileHandle.standardError.write(contentsOf: Data("\r\u{1B}[K".utf8))
    }
}

/// Bytes as people read them.
enum ByteCount {
    /// `512 B`, `1.5 KiB`, `3.0 GiB`.
    static func text(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(String(format: "%.1f", value)) \(units[unit])"
    }
}
