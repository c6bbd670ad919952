// The compressed body of REGISTER_BROKER (`compressedRegister=true`), inflated:
//
//   i32 length, DataVersion as JSON
//   i32 count, then for each topic: i32 length, its words
//   i32 length, the filter servers as JSON
//   since 5.0.0: i32 count, then for each static topic: i32 length, its mapping as JSON

import ApusFormat
import ApusRemoting
import ApusServer

extension RegistrationBody {
    static func parseCompressed(
        _ body: RawSpan, hasMappings: Bool
    ) throws(RegistrationError) -> RegisteredTopics {
        let inflated: [UInt8]
        do throws(CompressionError) {
            inflated = try BodyCompression.decode(body, codec: .zlib, limit: inflatedLimit)
        } catch {
            throw RegistrationError("the body cannot be inflated: \(error)")
        }
        var reader = PrefixedReader(inflated.rawSpan)
        var content = RegisteredTopics()
        content.version = try dataVersion(try json(try reader.item(), of: "dataVersion"))
        // A count is only believed as far as there are items.
        for _ in 0..<(try reader.count()) {
            let words = String(decodingUTF8: try reader.item())
            let (name, queues) = try TopicQueues.parse(words: words)
            content.topics[name] = queues
        }
        let servers = try json(try reader.item(), of: "filterServerList")
        content.filterServers = servers == .null ? nil : try filterServers(servers)
        guard hasMappings else { return content }
        for _ in 0..<(try reader.count()) {
            let json = try json(try reader.item(), of: "the mapping of a topic")
            guard let topic = json["topic"]?.string else {
                throw RegistrationError("a mapping names no topic")
            }
            content.mappings[try Name.check(topic, as: "the topic of a mapping")] =
                try mapping(json, of: topic)
        }
        return content
    }
}

/// Reads items behind their lengths.
private struct PrefixedReader: ~Escapable {
    private let bytes: RawSpan
    private var position = 0

    @_lifetime(copy bytes)
    init(_ bytes: RawSpan) { self.bytes = bytes }

    /// A number that is not negative.
    @_lifetime(self: copy self)
    mutating func count() throws(RegistrationError) -> Int {
        guard bytes.byteCount - position >= 4 else {
            throw RegistrationError("the inflated body ends at \(position) in a number")
        }
        let value: Int32 = bytes.loadBigEndian(at: position)
        guard value >= 0 else {
            throw RegistrationError("the inflated body has a count of \(value) at \(position)")
        }
        position += 4
        return Int(value)
    }

    @_lifetime(copy self)
    mutating func item() throws(RegistrationError) -> RawSpan {
        let length = try count()
        guard bytes.byteCount - position >= length else {
            throw RegistrationError(
                "the inflated body ends within the \(length) bytes from \(position) on")
        }
        defer { position += length }
        return bytes.extracting(position..<position + length)
    }
}
