// A stretch of the CommitLog that cannot be read as records.

public import ApusFormat

/// Bytes of the log that are not records where records should be.
public struct DamagedRange: Error, Hashable, Sendable, CustomStringConvertible {
    /// Physical offset of the first bad record.
    public let start: Int64
    /// Physical offset of the next valid record, or of the end of the log.
    public let end: Int64
    /// What is wrong with the bytes at `start`; nil when they are zeros.
    public let reason: RecordDamage?
    /// How many valid records stand behind the damage, counted up to a bound.
    public let validRecordsBehind: Int

    public init(start: Int64, end: Int64, reason: RecordDamage?, validRecordsBehind: Int) {
        self.start = start
        self.end = end
        self.reason = reason
        self.validRecordsBehind = validRecordsBehind
    }

    public var description: String {
        let what = reason?.words ?? "there are zeros"
        return "bytes \(start)..<\(end): \(what)"
    }
}
