// The body of a record as a consumer sees it: decompressed.

import ApusFormat
import ApusStore

/// How bodies are printed.
enum BodyForm: String {
    /// As text, cut after a line: what people get without asking.
    case short
    case text
    case hex
    case none

    /// The body as a JSON value; nil when it is not asked for.
    func json(_ decoded: DecodedBody, stored: RawSpan) -> String? {
        let bytes: [UInt8]
        switch decoded {
        case .stored: bytes = [UInt8](stored)
        case .decompressed(let decompressed, _): bytes = decompressed
        case .failed: return self == .text || self == .hex ? "null" : nil
        }
        switch self {
        case .text: return JSONText.string(String(decoding: bytes, as: UTF8.self))
        case .hex: return JSONText.string(Hexadecimal.lowerText(bytes))
        case .short, .none: return nil
        }
    }
}

/// A body after decompression.
enum DecodedBody {
    /// More than any broker accepts, and little enough to hold in memory.
    static let limit = 64 << 20

    /// The stored bytes are the body.
    case stored(count: Int, SystemFlag)
    case decompressed([UInt8], SystemFlag)
    /// The stored bytes cannot be decompressed.
    case failed(String, SystemFlag)

    init(_ record: borrowing LogRecord) {
        let flag = record.frame.systemFlag
        guard flag.contains(.compressed) else {
            self = .stored(count: record.frame.bodyLength, flag)
            return
        }
        guard let codec = BodyCodec(flag) else {
            self = .failed("there is no codec \(flag.compressionNumber)", flag)
            return
        }
        do throws(CompressionError) {
            let bytes = try BodyCompression.decode(record.body, codec: codec, limit: Self.limit)
            self = .decompressed(bytes, flag.subtracting(.compressed))
        } catch {
            self = .failed("\(error)", flag)
        }
    }

    /// The flag as RocketMQ's client has it after decompression: the codec stays in it.
    var systemFlag: SystemFlag {
        switch self {
        case .stored(_, let flag), .decompressed(_, let flag), .failed(_, let flag): flag
        }
    }

    /// Nil when the body cannot be decompressed.
    var byteCount: Int? {
        switch self {
        case .stored(let count, _): count
        case .decompressed(let bytes, _): bytes.count
        case .failed: nil
        }
    }

    func digest(orStored stored: String) -> String? {
        switch self {
        case .stored: stored
        case .decompressed(let bytes, _): SHA256.hex(bytes.span.bytes)
        case .failed: nil
        }
    }
}
