// The named values of a command (RocketMQ's extFields), all of them text.

/// Names and values in the order in which they stand.
public struct HeaderFields: Sendable, Hashable, ExpressibleByDictionaryLiteral {
    public struct Field: Sendable, Hashable {
        public let name: String
        public let value: String
    }

    public private(set) var all: [Field]

    public init(dictionaryLiteral elements: (String, String)...) {
        all = elements.map { Field(name: $0.0, value: $0.1) }
    }

    public var isEmpty: Bool { all.isEmpty }
    public var count: Int { all.count }

    /// The value of this name; setting nil takes the field away, anything else keeps its place.
    public subscript(name: String) -> String? {
        get { all.last { $0.name == name }?.value }
        set {
            let place = all.lastIndex { $0.name == name }
            switch (place, newValue) {
            case (let place?, let value?): all[place] = Field(name: name, value: value)
            case (let place?, nil): all.remove(at: place)
            case (nil, let value?): all.append(Field(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// Puts a field behind the others; its name must not be there yet.
    public mutating func append(_ name: String, _ value: String) {
        all.append(Field(name: name, value: value))
    }

    /// The same with a number.
    public mutating func append(_ name: String, _ value: some BinaryInteger) {
        append(name, String(value))
    }

    /// Makes room for as many fields, so that appending them allocates once.
    mutating func reserve(_ count: Int) { all.reserveCapacity(count) }
}

extension HeaderFields {
    /// The value of a field that must be there.
    public func string(_ name: String) throws(HeaderError) -> String {
        guard let value = self[name] else { throw HeaderError(field: name, problem: .missing) }
        return value
    }

    public func int32(_ name: String) throws(HeaderError) -> Int32 { try integer(name) }

    public func int64(_ name: String) throws(HeaderError) -> Int64 { try integer(name) }

    /// True for `true` in any case, false for any other text, as Java reads it.
    public func bool(_ name: String) throws(HeaderError) -> Bool {
        try string(name).lowercased() == "true"
    }

    /// The value, or `fallback` where the field is missing; text that is no number is an error.
    public func int32(_ name: String, or fallback: Int32) throws(HeaderError) -> Int32 {
        self[name] == nil ? fallback : try integer(name)
    }

    public func int64(_ name: String, or fallback: Int64) throws(HeaderError) -> Int64 {
        self[name] == nil ? fallback : try integer(name)
    }

    public func bool(_ name: String, or fallback: Bool) -> Bool {
        self[name].map { $0.lowercased() == "true" } ?? fallback
    }

    private func integer<Value: FixedWidthInteger>(_ name: String) throws(HeaderError) -> Value {
        let text = try string(name)
        guard let value = Value(text) else {
            throw HeaderError(
                field: name, problem: .notA("\(Value.bitWidth)-bit integer", value: text))
        }
        return value
    }
}
