// Replies to requests that were sent as messages: pushed by the broker to whoever waits for them.

internal import ApusFormat
internal import ApusRemoting
internal import Synchronization

/// A reply to `Producer.request`.
public struct Reply: Sendable, Hashable {
    public let topic: String
    public let body: [UInt8]
    public let properties: [String: String]

    /// The body as text; ill-formed UTF-8 becomes U+FFFD.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// Who waits for which reply.
final class AwaitedReplies: Sendable {
    typealias Answer = Once<Result<Reply, ClientError>>

    private let waiting = Mutex<[String: Answer]>([:])

    /// Takes what brokers push from now on.
    func listen(to requests: BrokerRequests) {
        requests.onRequest(.pushReplyMessageToClient) { [weak self] request in
            let isTaken = self?.take(request.command) ?? false
            request.connection.respond(
                to: request.key,
                isTaken
                    ? Response(.success)
                    : Response(.systemError, remark: "nobody waits for the reply any more"))
        }
    }

    func expect(_ id: String) -> Answer {
        let answer = Answer()
        waiting.withLock { $0[id] = answer }
        return answer
    }

    func forget(_ id: String) { waiting.withLock { $0[id] = nil } }

    /// Whether somebody waited for it.
    private func take(_ command: RemotingCommand) -> Bool {
        let text = Array((command.fields["properties"] ?? "").utf8)
        let properties = Dictionary(
            Properties.decode(text.rawSpan).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        guard let id = properties[PropertyName.correlationID],
            let answer = waiting.withLock({ $0.removeValue(forKey: id) })
        else { return false }
        var body = command.body
        let flag = SystemFlag(
            rawValue: command.fields["sysFlag"].flatMap { Int32($0) } ?? 0)
        if let codec = BodyCodec(flag) {
            do throws(CompressionError) {
                body = try BodyCompression.decode(body.rawSpan, codec: codec, limit: 64 << 20)
            } catch {
                answer.set(
                    .failure(ClientError(.compression, "reading the reply to \(id)", "\(error)")))
                return true
            }
        }
        answer.set(
            .success(
                Reply(topic: command.fields["topic"] ?? "", body: body, properties: properties)))
        return true
    }
}
