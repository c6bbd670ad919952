// A record for people: a few short lines.

import ApusFormat
import ApusStore

/// Writes records as text.
struct RecordText {
    private static let shortBody = 160

    let body: BodyForm

    /// The lines of a record. Control characters are escaped, so that no message can drive a
    /// terminal.
    func lines(_ record: borrowing LogRecord, _ decoded: DecodedBody) -> [String] {
        let fields = record.fields
        let flag = fields.systemFlag
        let topic = Printable.text(record.topicName)
        let id = OffsetMessageID(
            storeHost: fields.storeHost, physicalOffset: record.physicalOffset)
        var lines = [
            "\(record.physicalOffset)  \(topic)/\(fields.queueID) offset \(fields.queueOffset)"
                + "  \(record.frame.totalSize) bytes\(notes(flag, record.messageCount))",
            "  stored   \(TimeText.text(fields.storeTimestamp)) on \(fields.storeHost)",
            "  born     \(TimeText.text(fields.bornTimestamp)) on \(fields.bornHost)",
            "  id       \(id.text)",
        ]
        for property in Properties.decode(record.properties) {
            let name = Printable.text(property.name)
            lines.append("  property \(name) = \(Printable.text(property.value))")
        }
        if fields.flag != 0 { lines.append("  flag     \(fields.flag)") }
        if fields.reconsumeTimes != 0 {
            lines.append("  consumed \(fields.reconsumeTimes) times before")
        }
        if flag.transaction != .none {
            lines.append(
                "  prepared at physical offset \(fields.preparedTransactionOffset)")
        }
        lines.append(contentsOf: bodyLines(record, decoded))
        return lines
    }

    private func notes(_ flag: SystemFlag, _ messages: Int64) -> String {
        var notes: [String] = []
        switch flag.transaction {
        case .none: break
        case .prepared: notes.append("prepared transaction, in no queue")
        case .commit: notes.append("committed transaction")
        case .rollback: notes.append("rolled back transaction, in no queue")
        }
        if flag.contains(.innerBatch) { notes.append("\(messages) messages in one record") }
        return notes.isEmpty ? "" : "  (\(notes.joined(separator: "; ")))"
    }

    private func bodyLines(
        _ record: borrowing LogRecord, _ decoded: DecodedBody
    ) -> [String] {
        let stored = record.frame.bodyLength
        let bytes: [UInt8]
        var length = "\(stored) bytes"
        switch decoded {
        case .stored: bytes = body == .none ? [] : [UInt8](record.body)
        case .decompressed(let decompressed, _):
            bytes = decompressed
            length = "\(decompressed.count) bytes, stored as \(stored)"
        case .failed(let reason, _):
            return ["  body     \(length), which cannot be decompressed: \(reason)"]
        }
        switch body {
        case .none: return ["  body     \(length)"]
        case .hex: return ["  body     \(length)"] + hexLines(bytes)
        case .text:
            return ["  body     \(length)", Printable.text(String(decoding: bytes, as: UTF8.self))]
        case .short:
            let text = String(decoding: bytes.prefix(Self.shortBody), as: UTF8.self)
            let more = bytes.count > Self.shortBody ? " …" : ""
            return ["  body     \(length): \(Printable.text(text))\(more)"]
        }
    }

    private func hexLines(_ bytes: [UInt8]) -> [String] {
        stride(from: 0, to: bytes.count, by: 32).map { start in
            "    " + Hexadecimal.lowerText(Array(bytes[start..<min(start + 32, bytes.count)]))
        }
    }
}
