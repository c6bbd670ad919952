// How far the scrubber is.

/// What the background scrubber has done since the store was opened.
public struct ScrubProgress: Hashable, Sendable {
    /// Bytes of the log that were read and checked, in all passes.
    public var byteCount: Int64 = 0
    /// Physical offset up to which the pass under way has come, or the last one came.
    public var position: Int64 = 0
    /// Passes that were begun and came to the end of what was flushed when they began.
    public var passCount = 0
    /// When the last of them ended, milliseconds since 1970; nil: none has.
    public var lastPassEnd: Int64?
    /// Damaged stretches that were found, those that could not be read among them.
    public var findingCount = 0
}
