// A record of the CommitLog as an inspection meets it, and what it says beside its fixed fields.

package import ApusFormat

/// A whole record in borrowed memory.
package struct LogRecord: ~Escapable {
    /// Where the record starts in the log.
    package let physicalOffset: Int64
    package let frame: RecordFrame
    /// The record's bytes, no more.
    package let bytes: RawSpan

    @_lifetime(copy bytes)
    package init(physicalOffset: Int64, frame: RecordFrame, bytes: RawSpan) {
        self.physicalOffset = physicalOffset
        self.frame = frame
        self.bytes = bytes
    }

    /// Where the next record starts.
    package var end: Int64 { physicalOffset &+ Int64(frame.totalSize) }
    package var topic: RawSpan { @_lifetime(copy self) get { frame.topic(in: bytes) } }
    package var body: RawSpan { @_lifetime(copy self) get { frame.body(in: bytes) } }
    package var properties: RawSpan { @_lifetime(copy self) get { frame.properties(in: bytes) } }
    package var fields: RecordFields { frame.fields(in: bytes) }
    package var queueID: Int32 { RecordLayout.queueID.load(from: bytes) }
    package var queueOffset: Int64 { RecordLayout.queueOffset.load(from: bytes) }
    package var storeTimestamp: Int64 { frame.storeTimestamp(in: bytes) }
    package var topicName: String { String(decodingUTF8: topic) }

    /// The value of a property; nil when it is absent.
    package func property(_ name: String) -> String? {
        Properties.valueRange(of: name, in: properties).map {
            String(decodingUTF8: properties.extracting($0))
        }
    }

    /// A property that is a decimal number.
    package func number(_ name: String) -> Int64? { property(name).flatMap { Int64($0) } }

    /// Messages that the record stands for: more than one in an inner batch.
    package var messageCount: Int64 {
        guard frame.systemFlag.contains(.innerBatch), let count = number("INNER_NUM") else {
            return 1
        }
        return max(1, min(count, Int64(Int16.max)))
    }
}
