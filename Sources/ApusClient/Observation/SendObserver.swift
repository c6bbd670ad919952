// What a producer tells of its sends: metrics, and RocketMQ's message trace.

internal import ApusFormat
internal import ApusRemoting

/// Hears of every send that has ended.
struct SendObserver: Sendable {
    let meters: ClientMeters?
    let trace: TraceSender?
    private let group: String

    /// Nil where nobody wants to know.
    init?(_ core: ClientCore, group: String) {
        meters = ClientMeters(core.configuration.metrics)
        trace = TraceSender(core)
        self.group = group
        if meters == nil, trace == nil { return nil }
    }

    /// Of a batch, `messages` went together.
    func ended(
        _ send: PreparedSend, _ result: Result<SendReceipt, ClientError>, messages: Int = 1,
        in time: Duration?, on address: String?
    ) {
        let isDone = (try? result.get()) != nil
        meters?.note(
            send.topic, done: isDone ? messages : 0, failed: isDone ? 0 : messages, in: time)
        guard let trace, case .success(let receipt) = result else { return }
        trace.note(.published(record(send, receipt, in: time ?? .zero, on: address ?? "")))
    }

    func transactionEnded(_ receipt: SendReceipt, commits: Bool, at now: Int64, on address: String)
    {
        guard let trace else { return }
        let half = TraceRecord.Published(
            at: now, group: group, topic: receipt.queue.topic, id: receipt.id, tag: "", keys: "",
            address: address, bodyByteCount: 0, milliseconds: 0, kind: .half,
            place: receipt.place?.text ?? "", isStored: true)
        trace.note(.ended(half, commits: commits, isFromCheck: false))
    }

    private func record(
        _ send: PreparedSend, _ receipt: SendReceipt, in time: Duration, on address: String
    ) -> TraceRecord.Published {
        func property(_ name: String) -> String {
            Properties.valueRange(of: name, in: send.properties.rawSpan).map {
                String(decoding: send.properties[$0], as: UTF8.self)
            } ?? ""
        }
        let kind: TraceRecord.Kind =
            send.systemFlag.transaction == .prepared
            ? .half : property(PropertyName.delayLevel).isEmpty ? .normal : .delayed
        return TraceRecord.Published(
            at: send.bornMilliseconds, group: group, topic: send.topic, id: receipt.id,
            tag: property(PropertyName.tags), keys: property(PropertyName.keys), address: address,
            bodyByteCount: send.body.count, milliseconds: time.milliseconds, kind: kind,
            place: receipt.place?.text ?? "", isStored: receipt.status == .stored)
    }
}
