// A field of a header that is missing, or is not what it should be.

/// What is wrong with a field, in words that can stand in the remark of a response.
public struct HeaderError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Problem: Hashable, Sendable {
        case missing
        /// The value, and what it should be.
        case notA(String, value: String)
    }

    public let field: String
    public let problem: Problem

    public init(field: String, problem: Problem) {
        self.field = field
        self.problem = problem
    }

    public var description: String {
        switch problem {
        case .missing: "the request lacks the field \(field)"
        case .notA(let kind, let value): "the field \(field) is no \(kind): \(value.prefix(64))"
        }
    }
}
