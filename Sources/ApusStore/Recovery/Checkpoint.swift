// The file `checkpoint`: RocketMQ's five fields, and the durable mark behind them.
//
// Written by this type alone: by the flusher while the store runs, and at open and close. A slot is
// written with the copy of the fields that belongs to it and synced before the fields themselves
// change, so that at every moment one valid slot's copy agrees with the fields. Nothing in the file
// is ever ahead of what is on the device. Until `begin` nothing is written: a store on a full disk
// is opened for reading, and leaves the directory as it found it.

package import ApusFormat
package import ApusSystem
private import Synchronization

/// How far things are on the device, kept in a file.
package final class Checkpoint: Sendable {
    private struct State {
        var fields: CheckpointFields
        var mark: DurableMark
        /// Nil before `begin`.
        var file: (any DiskFile)?
        /// The fields as they are in the file.
        var written = CheckpointFields()
    }

    private let disk: any Disk
    private let path: String
    private let state: Mutex<State>

    /// Keeps fields and mark in memory, until `begin`.
    package init(
        _ disk: any Disk, _ path: String, fields: CheckpointFields, mark: DurableMark
    ) {
        self.disk = disk
        self.path = path
        state = Mutex(State(fields: fields, mark: mark))
    }

    deinit { state.withLock { $0.file?.close() } }

    /// What a checkpoint file says.
    package struct Contents: Sendable {
        package var fields = CheckpointFields()
        /// Nil when there is none, or when a Java broker has written the file since.
        package var mark: DurableMark?
        /// The newest mark that is whole, whatever RocketMQ's fields say.
        package var newestMark: DurableMark?
    }

    /// Reads the file; zeros when there is none.
    package static func read(_ disk: any Disk, _ path: String) throws(DiskError) -> Contents {
        guard let status = try disk.status(path), !status.isDirectory else { return Contents() }
        let file = try disk.open(path, .readOnly)
        defer { file.close() }
        var buffer = [UInt8](repeating: 0, count: CheckpointLayout.fileByteCount)
        var bytes = buffer.mutableRawSpan
        let count = try file.read(into: &bytes, at: 0)
        guard count >= CheckpointFields.byteCount else { return Contents() }
        let whole = count == buffer.count
        let marks = [0, 1].compactMap { slot -> DurableMark? in
            guard whole else { return nil }
            let start = CheckpointLayout.slotOffset(slot)
            return DurableMark(
                loadingFrom: buffer.rawSpan.extracting(
                    start..<start + CheckpointLayout.slotByteCount))
        }
        return Contents(
            fields: CheckpointFields(loadingFrom: buffer.rawSpan),
            mark: whole ? DurableMark.current(in: buffer.rawSpan) : nil,
            newestMark: marks.max { $0.generation < $1.generation })
    }

    /// Opens the file for writing, making it when absent, and writes the mark as it is now.
    package func begin() throws(DiskError) {
        let written = try Self.read(disk, path).fields
        let file = try disk.open(path, .create)
        if try file.byteCount() < CheckpointLayout.fileByteCount {
            try file.truncate(to: CheckpointLayout.fileByteCount)
            try file.allocate(from: 0, count: CheckpointLayout.fileByteCount)
        }
        state.withLock { state in
            state.file = file
            state.written = written
        }
        do throws(DiskError) {
            try update { _, _ in }
        } catch {
            state.withLock { $0.file = nil }
            throw error
        }
        // Whether it is new or not: who made it may have been killed before it came to this.
        try disk.syncDirectory(SystemDisk.parent(of: path))
    }

    /// The same in one call.
    package static func open(
        _ disk: any Disk, _ path: String, fields: CheckpointFields, mark: DurableMark
    ) throws(DiskError) -> Checkpoint {
        let checkpoint = Checkpoint(disk, path, fields: fields, mark: mark)
        try checkpoint.begin()
        return checkpoint
    }

    /// Whether the file is written.
    package var hasBegun: Bool { state.withLock { $0.file != nil } }

    /// The mark as it was last set.
    package var mark: DurableMark { state.withLock { $0.mark } }
    package var fields: CheckpointFields { state.withLock { $0.fields } }

    /// Changes fields and mark and, behind `begin`, makes them durable.
    package func update(
        _ change: (inout CheckpointFields, inout DurableMark) -> Void
    ) throws(DiskError) {
        try state.withLock { state throws(DiskError) in
            var next = state
            change(&next.fields, &next.mark)
            next.mark.generation = state.mark.generation &+ 1
            next.mark.javaFields = next.fields
            if let file = state.file {
                try Self.write(next.mark, to: file)
                if next.fields != state.written { try Self.write(next.fields, to: file) }
                next.written = next.fields
            }
            state = next
        }
    }

    /// Changes the newest mark of a file that nobody has begun, and makes that durable.
    static func rewrite(
        _ disk: any Disk, _ path: String, _ change: (inout DurableMark) -> Void
    ) throws(DiskError) {
        let contents = try read(disk, path)
        guard let old = contents.mark ?? contents.newestMark else { return }
        var next = old
        change(&next)
        guard next != old else { return }
        next.generation = max(old.generation, contents.newestMark?.generation ?? 0) &+ 1
        let file = try disk.open(path, .readWrite)
        defer { file.close() }
        try write(next, to: file)
    }

    private static func write(
        _ mark: DurableMark, to file: any DiskFile
    ) throws(DiskError) {
        var buffer = [UInt8](repeating: 0, count: CheckpointLayout.slotByteCount)
        var bytes = buffer.mutableRawSpan
        mark.store(into: &bytes)
        try file.write(bytes.bytes, at: CheckpointLayout.slotOffset(mark.slot))
        try file.sync()
    }

    private static func write(
        _ fields: CheckpointFields, to file: any DiskFile
    ) throws(DiskError) {
        var buffer = [UInt8](repeating: 0, count: CheckpointFields.byteCount)
        var bytes = buffer.mutableRawSpan
        fields.store(into: &bytes)
        try file.write(bytes.bytes, at: 0)
        try file.sync()
    }
}
