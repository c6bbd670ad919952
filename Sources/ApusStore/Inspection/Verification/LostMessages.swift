// Which messages are lost, as far as the entries of queues tell.

/// Messages of one queue that its entries have and the log has not.
package struct LostMessages: Hashable, Sendable {
    package let topic: String
    package let queueID: Int32
    /// Queue offsets.
    package internal(set) var offsets: Range<Int64>

    package init(topic: String, queueID: Int32, offsets: Range<Int64>) {
        self.topic = topic
        self.queueID = queueID
        self.offsets = offsets
    }

    /// `Orders/3 offset 7` or `Orders/3 offsets 7 to 9`.
    package var words: String {
        offsets.count == 1
            ? "\(topic)/\(queueID) offset \(offsets.lowerBound)"
            : "\(topic)/\(queueID) offsets \(offsets.lowerBound) to \(offsets.upperBound - 1)"
    }

    /// Ranges of one list that are kept.
    private static let limit = 10_000

    /// Adds to a list; neighbours in a queue become one range.
    static func note(_ more: LostMessages, in list: inout [LostMessages]) {
        guard more.offsets.lowerBound < more.offsets.upperBound else { return }
        if let last = list.last, last.queueID == more.queueID,
            last.offsets.upperBound == more.offsets.lowerBound, last.topic == more.topic
        {
            list[list.count - 1].offsets =
                last.offsets.lowerBound..<more.offsets.upperBound
        } else if list.count < limit {
            list.append(more)
        }
    }
}
