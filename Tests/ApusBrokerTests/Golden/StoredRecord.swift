// A record in the answer to a pull, for comparing.

import ApusFormat
import Testing

/// A record as clients read it.
struct StoredRecord: Sendable {
    let fields: RecordFields
    let topic: String
    let body: [UInt8]
    /// By name. Java's broker writes them in the order of its hash table, and ours as they came.
    let properties: [String: String]
    let byteCount: Int

    struct Malformed: Error { let place: Int }

    /// All records of a body, which they must fill.
    static func all(in bytes: [UInt8]) throws -> [StoredRecord] {
        var all: [StoredRecord] = []
        var place = 0
        while place < bytes.count {
            let record = try StoredRecord(bytes, at: place)
            all.append(record)
            place += record.byteCount
        }
        return all
    }

    private init(_ bytes: [UInt8], at place: Int) throws {
        let all = bytes.rawSpan
        guard
            case .record(let frame) = RecordInspection.inspect(
                all, at: place, physicalOffset: 0, checks: .bodyChecksum)
        else { throw Malformed(place: place) }
        let record = all.extracting(place..<(place + frame.totalSize))
        fields = frame.fields(in: record)
        topic = String(decodingUTF8: frame.topic(in: record))
        body = [UInt8](frame.body(in: record))
        let named = Properties.decode(frame.properties(in: record))
        properties = Dictionary(named.map { ($0.name, $0.value) }) { $0 + $1 }
        byteCount = frame.totalSize
    }
}

private typealias Properties = ApusFormat.Properties
