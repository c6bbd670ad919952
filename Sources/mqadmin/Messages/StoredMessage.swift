// Messages as brokers hand them out: records, one behind the other.

import ApusFormat
import ApusRemoting

/// A message that was stored.
struct StoredMessage: Sendable {
    let topic: String
    let fields: RecordFields
    let properties: [Property]
    /// As it was sent: decompressed.
    let body: [UInt8]
    /// Bytes of the record.
    let storeSize: Int

    subscript(property: String) -> String? { properties.last { $0.name == property }?.value }

    var offsetID: String {
        OffsetMessageID(storeHost: fields.storeHost, physicalOffset: fields.physicalOffset).text
    }
    /// The producer's id, or the broker's when there is none.
    var id: String { self[PropertyName.uniqueKey] ?? offsetID }
    var tags: String? { self[PropertyName.tags] }
    var keys: String? { self[PropertyName.keys] }

    /// The records of an answer; throws what is wrong with the first that is none.
    static func all(in bytes: [UInt8]) throws(BadRecord) -> [StoredMessage] {
        var messages: [StoredMessage] = []
        var place = 0
        while place < bytes.count {
            // The checks of a client: the body is what its checksum says.
            let outcome = RecordInspection.inspect(
                bytes.rawSpan, at: place, physicalOffset: 0, checks: .bodyChecksum)
            guard case .record(let frame) = outcome else {
                throw BadRecord(reason: "no record at byte \(place) of \(bytes.count): \(outcome)")
            }
            let record = Array(bytes[place..<place + frame.totalSize])
            messages.append(try StoredMessage(record, frame))
            place += frame.totalSize
        }
        return messages
    }

    private init(_ record: [UInt8], _ frame: RecordFrame) throws(BadRecord) {
        let bytes = record.rawSpan
        topic = String(decodingUTF8: frame.topic(in: bytes))
        fields = frame.fields(in: bytes)
        properties = Properties.decode(frame.properties(in: bytes))
        storeSize = frame.totalSize
        guard frame.systemFlag.contains(.compressed) else {
            body = [UInt8](frame.body(in: bytes))
            return
        }
        guard let codec = BodyCodec(frame.systemFlag) else {
            throw BadRecord(reason: "there is no codec \(frame.systemFlag.compressionNumber)")
        }
        do throws(CompressionError) {
            body = try BodyCompression.decode(
                frame.body(in: bytes), codec: codec, limit: Self.bodyLimit)
        } catch {
            throw BadRecord(reason: "the body cannot be decompressed: \(error)")
        }
    }

    /// More than any broker accepts, and little enough to hold in memory.
    private static let bodyLimit = 64 << 20
}

/// Bytes that should be a record.
struct BadRecord: Error, Hashable, Sendable {
    let reason: String
}

extension Admin {
    static func messages(
        _ answer: RemotingCommand, _ wish: String, _ address: String
    ) throws(AdminError) -> [StoredMessage] {
        do throws(BadRecord) { return try StoredMessage.all(in: answer.body) } catch {
            throw .malformed(wish, address: address, reason: error.reason)
        }
    }
}
