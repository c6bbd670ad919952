// A record that stays mapped: the lease holds its segment, and a segment is unmapped with the last
// who holds it.

package import ApusFormat
import ApusSystem

/// A checked record and what keeps its bytes valid.
package struct RecordLease: Sendable {
    package let segment: Segment
    package let position: Int
    package let frame: RecordFrame

    /// Gives `body` the record in place.
    package func withRecord<Result, Failure: Error>(
        _ body: (RecordView) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let bytes = segment.bytes
        return try body(RecordView(bytes.bytes, at: position, frame: frame))
    }

    /// The message, copied and decoded.
    package func message() throws(StoreError) -> StoredMessage {
        let message = try withRecord { (record) throws(StoreError) in try StoredMessage(record) }
        try segment.mappingGuard.check()
        return message
    }
}
