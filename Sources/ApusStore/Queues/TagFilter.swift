// Which messages of a queue a reader wants, by their tags.

import ApusFormat

/// A subscription by tags: `*`, or tags joined by `||`.
public struct TagFilter: Hashable, Sendable {
    /// Hashes as ConsumeQueue entries hold them; empty when every message is wanted.
    private let codes: Set<Int64>
    private let tags: Set<[UInt8]>

    /// Every message.
    public static let all = TagFilter("*")

    /// Reads RocketMQ's notation: `TagA || TagB`, where `|` alone may stand in a tag. `*` and
    /// nothing at all stand for every message.
    public init(_ expression: String) {
        tags = Set(Self.names(in: expression).map { Array($0.utf8) })
        codes = Set(tags.map { TagsCode.code(tags: $0.rawSpan) })
    }

    /// The tags that an expression names, in its order; none when it stands for every message.
    public static func names(in expression: String) -> [String] {
        TagExpression.names(in: expression)
    }

    /// Whether every message is wanted.
    public var takesAll: Bool { tags.isEmpty }

    /// Whether a message with this code in its entry may be wanted: hashes collide.
    func mayMatch(_ code: Int64) -> Bool { takesAll || codes.contains(code) }

    /// Whether the message is wanted.
    func matches(_ record: RecordView) -> Bool {
        if takesAll { return true }
        let properties = record.properties
        let scan = PropertyScan(properties)
        return tags.contains([UInt8](properties.extracting(scan.tags)))
    }
}
