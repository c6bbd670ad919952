// Bodies of JSON: the one file that knows Foundation's coders.

internal import FoundationEssentials

extension Message {
    /// Any `Encodable` value, as JSON.
    public init(
        json value: some Encodable, to topic: String, tag: String? = nil, keys: [String] = []
    ) throws(ClientError) {
        do {
            self.init(
                [UInt8](try JSONEncoder().encode(value)), to: topic, tag: tag, keys: keys)
        } catch {
            throw ClientError(
                .invalidMessage, "writing a \(type(of: value)) as JSON for \(topic)", "\(error)")
        }
    }
}

extension ReceivedMessage {
    /// The body, read as JSON.
    public func decode<Value: Decodable>(
        _ type: Value.Type = Value.self
    ) throws(ClientError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch {
            throw ClientError(
                .badAnswer, "reading message \(id) of \(topic) as JSON of \(type)", "\(error)")
        }
    }
}
