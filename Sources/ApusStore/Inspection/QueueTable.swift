// One value for each queue that a scan of the log meets, found by the bytes of the topic's name
// without making a string.
//
// Memory: one value and one copy of the name for each queue, however many messages there are.

private import ApusFormat
private import ApusSystem

/// Values by topic and queue id.
package final class QueueTable<Value> {
    private struct Row {
        let topic: MappedBytes
        let queueID: Int32
        let value: Value
        /// The row before with the same hash; -1 for none.
        let previous: Int
    }

    private var rows: [Row] = []
    private var newest: [UInt64: Int] = [:]

    package init() {}

    deinit {
        for row in rows { row.topic.deallocate() }
    }

    /// All values, in the order in which they were made.
    package var values: [Value] { rows.map(\.value) }

    /// The value of a queue, which `make` makes of the topic's name when it is the first time.
    package func value(
        topic: RawSpan, queueID: Int32, make: (String) -> Value
    ) -> Value {
        let hash = UInt64(CRC32.checksum(topic)) << 32 | UInt64(UInt32(bitPattern: queueID))
        var row = newest[hash] ?? -1
        while row >= 0 {
            let name = rows[row].topic
            if Self.equal(name.bytes, topic) { return rows[row].value }
            row = rows[row].previous
        }
        let value = make(String(decodingUTF8: topic))
        rows.append(
            Row(
                topic: MappedBytes.copy(topic), queueID: queueID, value: value,
                previous: newest[hash] ?? -1))
        newest[hash] = rows.count - 1
        return value
    }

    private static func equal(_ left: RawSpan, _ right: RawSpan) -> Bool {
        guard left.byteCount == right.byteCount else { return false }
        var offset = 0
        while offset + 8 <= left.byteCount {
            guard
                left.loadBigEndian(UInt64.self, at: offset)
                    == right.loadBigEndian(UInt64.self, at: offset)
            else { return false }
            offset += 8
        }
        while offset < left.byteCount {
            guard
                left.loadBigEndian(UInt8.self, at: offset)
                    == right.loadBigEndian(UInt8.self, at: offset)
            else { return false }
            offset += 1
        }
        return true
    }
}
