// Why a broker's words are not taken.

/// A registration, a version or a list of queues that cannot be read. Nothing has changed.
package struct RegistrationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, and where.
    package let description: String

    init(_ description: String) { self.description = description }
}

/// What may be a name or an address. Nothing here becomes a path; the bounds keep what a peer says
/// small and printable.
enum Name {
    /// Bytes. RocketMQ's longest topics, those of retries and dead letters, have as many.
    static let limit = 255
    /// Queues of a topic at one broker.
    static let queueLimit: Int32 = 1 << 20

    /// Answers `text` when it may stand in the table.
    static func check(_ text: String, as what: String) throws(RegistrationError) -> String {
        if text.isEmpty { throw RegistrationError("\(what) is empty") }
        return try checkBounds(text, as: what)
    }

    /// Answers `text`, which may be empty, when it may be kept.
    static func checkBounds(
        _ text: String, as what: String
    ) throws(RegistrationError) -> String {
        if text.utf8.count > limit {
            throw RegistrationError(
                "\(what) has \(text.utf8.count) bytes, where \(limit) are allowed")
        }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw RegistrationError("\(what) holds a control character")
        }
        return text
    }
}
