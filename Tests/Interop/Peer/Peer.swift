// What the Swift client is asked to do. Each command says on standard output, one JSON object a
// line, what came of each message; logs go to standard error.

import ApusClient

enum Peer {
    /// Whether all went well.
    static func run(_ words: [String]) async throws -> Bool {
        let options = try Options(words.dropFirst())
        switch words.first {
        case "send": return try await Sending(options).send(options.number("count"))
        case "stream": return try await Sending(options).stream()
        case "consume": return try await Consuming(options).run()
        default: throw Unusable("say send, stream or consume; not \(words.first ?? "nothing")")
        }
    }
}

/// A word that cannot be followed.
struct Unusable: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Flags: `--name value`, or `--name` alone where the next word is a flag too.
struct Options {
    private var values: [String: String] = [:]

    init(_ words: ArraySlice<String>) throws {
        var rest = words
        while let word = rest.popFirst() {
            guard word.hasPrefix("--") else { throw Unusable("\(word) is no flag") }
            let hasValue = rest.first.map { !$0.hasPrefix("--") } ?? false
            values[String(word.dropFirst(2))] = hasValue ? rest.popFirst() : ""
        }
    }

    subscript(name: String) -> String? { values[name] }

    func has(_ name: String) -> Bool { values[name] != nil }

    func required(_ name: String) throws -> String {
        guard let value = values[name] else { throw Unusable("--\(name) is missing") }
        return value
    }

    /// Nil where the flag is not there.
    func optionalNumber(_ name: String) throws -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), number >= 0 else {
            throw Unusable("--\(name) is \"\(text)\", and should be a number")
        }
        return number
    }

    func number(_ name: String) throws -> Int {
        guard let number = try optionalNumber(name) else { throw Unusable("--\(name) is missing") }
        return number
    }

    /// For a producer or a consumer of its own.
    func client() throws -> ClientConfiguration {
        ClientConfiguration(nameServers: try required("namesrv"))
    }
}
