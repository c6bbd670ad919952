// Fields that stand in many answers as they are.

internal import ApusFormat

/// Fields that were encoded once, in both serialisations. At least one.
public struct PreparedFields: Sendable {
    let json, binary: [UInt8]

    public init(_ name: StaticString, _ value: String, _ others: (StaticString, String)...) {
        let fields = [(name, value)] + others
        json = Self.encode(fields, .json, after: ",\"extFields\":{")
        binary = Self.encode(fields, .binary, after: "")
    }

    private static func encode(
        _ fields: [(StaticString, String)], _ serialization: HeaderSerialization,
        after head: StaticString
    ) -> [UInt8] {
        var encoder = HeaderEncoder()
        encoder.begin(HeaderNumbers(), remark: nil, serialization)
        let start = encoder.byteCount + head.utf8CodeUnitCount
        for (name, value) in fields { encoder.field(name, value) }
        return [UInt8](encoder.bytes.extracting(start...))
    }
}
