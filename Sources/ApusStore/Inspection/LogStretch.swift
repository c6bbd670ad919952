// A stretch of the CommitLog in which no record can be read.

package import ApusFormat
package import ApusSystem

/// Bytes of the log that are no records, between records or behind the last one.
package struct LogStretch: Hashable, Sendable {
    /// Why there are no records.
    package enum Cause: Hashable, Sendable {
        /// What stands at the start is not a record.
        case damaged(RecordDamage)
        /// Nothing but zeros up to the end of the file.
        case zeros
        /// Zeros where the next record should be, but not all the way.
        case remains
        /// The file cannot be read.
        case unreadable(DiskError)
        /// No file holds these bytes.
        case missing
        /// The file is shorter than the others and ends before them.
        case cutShort
    }

    /// Physical offset of the first byte.
    package let start: Int64
    /// Physical offset of the next record, or of the end of the files.
    package let end: Int64
    package let cause: Cause
    /// The file that the stretch starts in, or should.
    package let path: String
    /// Where the stretch starts in the file.
    package let fileOffset: Int

    package init(start: Int64, end: Int64, cause: Cause, path: String, fileOffset: Int) {
        self.start = start
        self.end = end
        self.cause = cause
        self.path = path
        self.fileOffset = fileOffset
    }
}

/// Where a scan of the log ended.
package struct LogEnd: Hashable, Sendable {
    /// Physical offset behind the last record, or behind the mark that closes a file after it.
    package let offset: Int64
    /// What stands behind it, without a valid record in it. Unwritten space is `.zeros`.
    package let tail: [LogStretch]
    /// Whether the visitor stopped the scan.
    package let isStopped: Bool

    package init(offset: Int64, tail: [LogStretch], isStopped: Bool) {
        self.offset = offset
        self.tail = tail
        self.isStopped = isStopped
    }
}
