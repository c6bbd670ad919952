// The properties of a message as records and frames hold them: `name 01 value 02`, repeated.
//
// What counts as a property is RocketMQ's reading (`MessageDecoder.string2messageProperties`): the
// name ends at the first 01, so that a value may hold more of them; neither may be empty, which
// also passes over items without 01 and those of fewer than three characters.

/// One property of a message.
public struct Property: Hashable, Sendable {
    public let name: String
    public let value: String

    @inlinable public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// The text form of a message's properties.
public enum Properties: Sendable {
    /// Ends a name.
    @inlinable public static var nameEnd: UInt8 { 1 }
    /// Ends a value.
    @inlinable public static var valueEnd: UInt8 { 2 }

    /// The properties in `bytes`, in their order; the last 02 may be missing. Of several with one
    /// name, the last is the one that RocketMQ sees. Ill-formed UTF-8 becomes U+FFFD.
    public static func decode(_ bytes: RawSpan) -> [Property] {
        var properties: [Property] = []
        var offset = 0
        while let item = item(in: bytes, from: offset) {
            offset = item.end + 1
            guard let nameEnd = item.nameEnd else { continue }
            properties.append(
                Property(
                    name: String(decodingUTF8: bytes.extracting(item.start..<nameEnd)),
                    value: String(decodingUTF8: bytes.extracting(nameEnd + 1..<item.end))))
        }
        return properties
    }

    /// The bytes of `properties`, with the last 02. All of them must be encodable.
    public static func encode(_ properties: [Property]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            properties.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 2 })
        for property in properties {
            bytes.append(contentsOf: property.name.utf8)
            bytes.append(nameEnd)
            bytes.append(contentsOf: property.value.utf8)
            bytes.append(valueEnd)
        }
        return bytes
    }

    /// Where the value of the last property called `name` stands in `bytes`; nil when there is
    /// none. Allocates nothing.
    public static func valueRange(of name: String, in bytes: RawSpan) -> Range<Int>? {
        var found: Range<Int>?
        var offset = 0
        while let item = item(in: bytes, from: offset) {
            offset = item.end + 1
            guard let nameEnd = item.nameEnd, nameEnd - item.start == name.utf8.count,
                equal(name, bytes, at: item.start)
            else { continue }
            found = nameEnd + 1..<item.end
        }
        return found
    }

    /// Tells `body` where each property's name and value stand in `bytes`, in their order.
    /// Allocates nothing.
    public static func forEach(
        in bytes: RawSpan, _ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void
    ) {
        var offset = 0
        while let item = item(in: bytes, from: offset) {
            offset = item.end + 1
            guard let nameEnd = item.nameEnd else { continue }
            body(item.start..<nameEnd, nameEnd + 1..<item.end)
        }
    }

    /// Whether a property can be told from its neighbours when it is encoded: the name is not
    /// empty, and no 01 or 02 stands in it or in the value. (A property with an empty value can be
    /// written, but no reader sees it.)
    public static func isEncodable(name: String, value: String) -> Bool {
        !name.isEmpty && !name.utf8.contains { $0 == nameEnd || $0 == valueEnd }
            && !value.utf8.contains { $0 == nameEnd || $0 == valueEnd }
    }

    /// The item that starts at `start`, with the 01 that ends its name unless it is to be passed
    /// over; nil at the end of the bytes.
    private static func item(
        in bytes: RawSpan, from start: Int
    ) -> (start: Int, nameEnd: Int?, end: Int)? {
        guard start < bytes.byteCount else { return nil }
        var separator: Int?
        var end = start
        while end < bytes.byteCount {
            let byte = bytes.loadBigEndian(UInt8.self, at: end)
            if byte == valueEnd { break }
            if byte == nameEnd, separator == nil { separator = end }
            end += 1
        }
        if let place = separator, place == start || place + 1 == end { separator = nil }
        return (start, separator, end)
    }

    private static func equal(_ name: String, _ bytes: RawSpan, at start: Int) -> Bool {
        var offset = start
        for byte in name.utf8 {
            guard bytes.loadBigEndian(UInt8.self, at: offset) == byte else { return false }
            offset += 1
        }
        return true
    }
}
