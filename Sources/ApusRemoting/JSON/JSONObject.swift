// The members of a JSON object, in the order in which they stand.

/// An object. A name may stand twice, as in what was parsed; the last one counts.
public struct JSONObject: Sendable {
    public struct Member: Sendable {
        public let name: String
        /// Whether fastjson writes the name without quotes, as the key of a Java map of integers.
        public let isInteger: Bool
        public var value: JSON

        @inlinable public init(name: String, isInteger: Bool = false, value: JSON) {
            self.name = name
            self.isInteger = isInteger
            self.value = value
        }
    }

    public private(set) var members: [Member]

    public init() { members = [] }

    public init(_ members: [(String, JSON)]) {
        self.members = members.map { Member(name: $0.0, value: $0.1) }
    }

    public var isEmpty: Bool { members.isEmpty }
    public var count: Int { members.count }

    /// The value of the last member with this name, looked for from the end: go through `members`
    /// where there are many.
    public subscript(name: String) -> JSON? { members.last { $0.name == name }?.value }

    /// Puts a member behind the others.
    public mutating func append(_ name: String, _ value: JSON) {
        members.append(Member(name: name, value: value))
    }

    /// Puts a member behind the others whose name is the key of a Java map of integers.
    public mutating func append(_ key: Int, _ value: JSON) {
        members.append(Member(name: "\(key)", isInteger: true, value: value))
    }

    /// Puts a member behind the others whose name is JSON itself, as the key of a Java map of
    /// objects: in fastjson's dialect it stands as it is.
    public mutating func append(bare name: String, _ value: JSON) {
        members.append(Member(name: name, isInteger: true, value: value))
    }

    mutating func append(_ member: Member) { members.append(member) }
}

extension JSONObject: Equatable {
    /// Whether both have the same members in the same order; quotes around a name do not matter.
    public static func == (one: JSONObject, other: JSONObject) -> Bool {
        one.members.elementsEqual(other.members) { $0.name == $1.name && $0.value == $1.value }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements) }
}
