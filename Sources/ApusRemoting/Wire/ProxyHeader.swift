// The header that a proxy puts before a connection's first byte, to say whose connection it is.
//
// Version 1 is a line (`PROXY TCP4 10.0.0.1 10.0.0.2 50000 10911\r\n`), version 2 is binary. No
// frame begins like either: its length would be beyond any bound.

internal import ApusFormat

/// What the first bytes of a connection are.
enum ProxyHeader: Equatable {
    /// No such header.
    case none
    /// The beginning of one.
    case incomplete
    /// A header of this many bytes. Without a source (a proxy's check of its own), the connection's
    /// address counts.
    case header(source: HostAddress?, byteCount: Int)
    /// Begins like one, and is none.
    case malformed

    private static let signature: [UInt8] = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]

    /// Bytes of a line at most, by the protocol.
    private static let longestLine = 107

    /// Version 2 may carry anything behind the addresses; more than this nobody sends.
    private static let longestBinary = 4096

    static func read(_ bytes: RawSpan) -> ProxyHeader {
        guard bytes.byteCount > 0 else { return .incomplete }
        switch bytes.loadBigEndian(UInt8.self, at: 0) {
        case UInt8(ascii: "P"): return line(bytes)
        case signature[0]: return binary(bytes)
        default: return .none
        }
    }

    private static func line(_ bytes: RawSpan) -> ProxyHeader {
        let start = Array("PROXY ".utf8)
        let text = [UInt8](bytes.extracting(0..<min(bytes.byteCount, longestLine)))
        guard text.prefix(start.count).elementsEqual(start.prefix(text.count)) else {
            return .malformed
        }
        guard let end = text.firstIndex(of: 0x0A) else {
            return text.count < longestLine ? .incomplete : .malformed
        }
        guard text[end - 1] == 0x0D else { return .malformed }
        let words = String(decoding: text[..<(end - 1)], as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false)
        guard words.count >= 2 else { return .malformed }
        if words[1] == "UNKNOWN" { return .header(source: nil, byteCount: end + 1) }
        guard words.count == 6, words[1] == "TCP4" || words[1] == "TCP6",
            let port = UInt16(words[4]),
            let source = HostAddress(text: String(words[2]), port: Int32(port))
        else { return .malformed }
        return .header(source: source, byteCount: end + 1)
    }

    private static func binary(_ bytes: RawSpan) -> ProxyHeader {
        let given = bytes.extracting(0..<min(bytes.byteCount, signature.count))
        guard given.isEqual(to: signature.rawSpan.extracting(0..<given.byteCount)) else {
            return .malformed
        }
        guard bytes.byteCount >= 16 else { return .incomplete }
        let command = bytes.loadBigEndian(UInt8.self, at: 12)
        let family = bytes.loadBigEndian(UInt8.self, at: 13)
        let size = 16 + Int(bytes.loadBigEndian(UInt16.self, at: 14))
        guard command >> 4 == 2, command & 15 <= 1, size <= longestBinary else { return .malformed }
        guard bytes.byteCount >= size else { return .incomplete }
        let isLocal = command & 15 == 0
        switch family >> 4 {
        case 1 where !isLocal:
            guard size >= 28 else { return .malformed }
            let port = Int32(bytes.loadBigEndian(UInt16.self, at: 24))
            return .header(
                source: HostAddress(ipv4: bytes.loadBigEndian(at: 16), port: port), byteCount: size)
        case 2 where !isLocal:
            guard size >= 52 else { return .malformed }
            let port = Int32(bytes.loadBigEndian(UInt16.self, at: 48))
            return .header(
                source: HostAddress(
                    high: bytes.loadBigEndian(at: 16), low: bytes.loadBigEndian(at: 24),
                    port: port),
                byteCount: size)
        default: return .header(source: nil, byteCount: size)
        }
    }
}
