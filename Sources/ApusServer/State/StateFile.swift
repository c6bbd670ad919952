// A small file that a server replaces as a whole, with the one before it beside it.
//
//     topics.json          what counts
//     topics.json.bak      its predecessor: RocketMQ reads it too when the first is damaged
//     topics.json.new      what is being written, not looked at by anyone
//     topics.json.damaged  what was found damaged, put aside by the next save
//
// A save writes `.new` and syncs it before anything else changes its name, so that at every moment
// one whole file is there under one of the first two names.

import ApusFormat
package import ApusSystem
package import Logging
import Synchronization

/// Why bytes are not the state that they should be.
package struct StateProblem: Error {
    package let text: String
    package init(_ text: String) { self.text = text }
}

/// A file that is replaced as a whole. Saves must not overlap: its table sees to that.
package final class StateFile: Sendable {
    package let path: String
    private let disk: any Disk
    /// Bytes. A longer file is damaged.
    private let limit: Int
    private let logger: Logger
    /// Whether the file was damaged when it was read, so that it must not become the predecessor.
    private let isDamaged = Atomic<Bool>(false)

    package init(_ path: String, on disk: any Disk, limit: Int = 1 << 30, logger: Logger) {
        self.path = path
        self.disk = disk
        self.limit = limit
        self.logger = logger
    }

    private var backup: String { "\(path).bak" }
}

// MARK: - Reading

extension StateFile {
    private enum Found<Value> {
        case absent
        case damaged(String)
        case value(Value)
    }

    /// What the file holds; nil when there is neither file nor predecessor. A damaged or missing
    /// file with a predecessor that can be read is a warning, anything else a failure.
    package func load<Value>(
        _ decode: (RawSpan) throws(StateProblem) -> Value
    ) throws(StateFileError) -> Value? {
        let reason: String
        switch try find(path, decode) {
        case .value(let value): return value
        case .absent: reason = "it is missing"
        case .damaged(let text):
            reason = text
            isDamaged.store(true, ordering: .relaxed)
        }
        switch try find(backup, decode) {
        case .value(let value):
            logger.warning(
                "a file cannot be used: its predecessor is",
                metadata: ["file": "\(path)", "reason": "\(reason)", "used": "\(backup)"])
            return value
        case .damaged(let text): throw .damaged(path: path, reason: reason, backup: text)
        case .absent:
            if !isDamaged.load(ordering: .relaxed) { return nil }
            throw .damaged(path: path, reason: reason, backup: "it is missing")
        }
    }

    private func find<Value>(
        _ path: String, _ decode: (RawSpan) throws(StateProblem) -> Value
    ) throws(StateFileError) -> Found<Value> {
        let bytes: [UInt8]
        do throws(DiskError) {
            guard let status = try disk.status(path) else { return .absent }
            guard !status.isDirectory else { return .damaged("it is a directory") }
            guard let found = try disk.contents(of: path, limit: limit) else { return .absent }
            bytes = found
        } catch {
            // What another try, or another user, could read is not damage.
            throw .unreadable(error)
        }
        guard bytes.count <= limit else {
            return .damaged("it has more than \(limit) bytes")
        }
        guard !bytes.isEmpty else { return .damaged("it is empty") }
        do throws(StateProblem) {
            return .value(try decode(bytes.rawSpan))
        } catch {
            return .damaged(error.text)
        }
    }
}

// MARK: - Writing

extension StateFile {
    /// Replaces the file; what was there becomes its predecessor. When this fails, the file holds
    /// what it held before, except where the failure came with the last sync of the directory: then
    /// it holds either.
    package func save(_ bytes: [UInt8]) throws(StateFileError) {
        do throws(DiskError) {
            let directory = SystemDisk.parent(of: path)
            if try disk.status(directory) == nil { try disk.createDirectories(directory) }
            let new = "\(path).new"
            try write(bytes, to: new)
            if try disk.status(path) != nil {
                let isBad = isDamaged.load(ordering: .relaxed)
                try disk.rename(path, to: isBad ? "\(path).damaged" : backup)
                isDamaged.store(false, ordering: .relaxed)
            }
            try disk.rename(new, to: path)
            try disk.syncDirectory(directory)
        } catch {
            throw .unwritten(error)
        }
    }

    private func write(_ bytes: [UInt8], to path: String) throws(DiskError) {
        let file = try disk.open(path, .createEmpty)
        defer { file.close() }
        try file.write(bytes.rawSpan, at: 0)
        try file.sync()
    }
}
