// The producer's side: a number of messages, or numbers without end through an outage.

import ApusClient
import ApusFormat
import Synchronization

/// A message that was acknowledged.
struct Acknowledged: Encodable {
    let body: String
    let id: String
    let queue: Int32
    let offset: Int64
    let status: String

    init(_ body: String, _ receipt: SendReceipt) {
        self.body = body
        id = receipt.id
        queue = receipt.queue.id
        offset = receipt.queueOffset
        status = "\(receipt.status)"
    }
}

/// A message that was not.
struct Failed: Encodable {
    let body: String
    let error: String
    let mayHaveHappened: Bool
}

struct Sending {
    let topic: String
    let tag: String?
    let hasKeys: Bool
    let shard: String?
    let bodySize: Int
    let isPipelined: Bool
    let configuration: ProducerConfiguration

    init(_ options: Options) throws {
        topic = try options.required("topic")
        tag = options["tag"]
        hasKeys = options.has("keys")
        shard = options["shard"]
        bodySize = try options.optionalNumber("body-size") ?? 0
        isPipelined = options.has("pipeline")
        var configuration = ProducerConfiguration(try options.client())
        switch options["compress"] ?? "none" {
        case "none": configuration.compression = nil
        case "lz4": configuration.compression = Compression(.lz4, from: 1)
        case "zlib": configuration.compression = Compression(.zlib, from: 1)
        case let other: throw Unusable("--compress is \(other), and should be lz4, zlib or none")
        }
        self.configuration = configuration
    }

    /// The number, filled up to the size that is asked for. The tag is part of it, so that bodies
    /// of several processes differ.
    private func body(_ number: Int) -> String {
        let start = [tag, "\(number)"].compactMap(\.self).joined(separator: "-")
        let missing = bodySize - start.utf8.count - 1
        return missing > 0 ? "\(start) \(String(repeating: "x", count: missing))" : start
    }

    private func message(_ number: Int) -> Message {
        Message(
            body(number), to: topic, tag: tag,
            keys: hasKeys ? ["key-\(number)", "\(tag ?? "all")-keys"] : [])
    }

    private func hear(_ number: Int, _ result: Result<SendReceipt, ClientError>) {
        switch result {
        case .success(let receipt): Lines.say(Acknowledged(body(number), receipt))
        case .failure(let error):
            Lines.say(
                Failed(
                    body: body(number), error: "\(error)", mayHaveHappened: error.mayHaveHappened))
        }
    }

    private func send(_ number: Int, with producer: Producer) async throws(ClientError)
        -> SendReceipt
    {
        if let shard { return try await producer.send(message(number), shardingKey: shard) }
        return try await producer.send(message(number))
    }

    /// A number of messages, one after the other.
    func send(_ count: Int) async throws -> Bool {
        try await Producer(configuration).running { producer in
            var isGood = true
            for number in 0..<count {
                do throws(ClientError) {
                    hear(number, .success(try await send(number, with: producer)))
                } catch {
                    hear(number, .failure(error))
                    isGood = false
                }
            }
            return isGood
        }
    }

    /// Numbers until standard input ends, about one each two milliseconds, come what may.
    func stream() async throws -> Bool {
        let isOver = Flag()
        Lines.atEndOfInput { isOver.raise() }
        try await Producer(configuration).running { producer in
            if isPipelined {
                try await producer.withPipeline(onResult: { hear($0, $1) }) { pipeline in
                    var sent = 0
                    while !isOver.isRaised {
                        // Its numbers are ours: each message is taken by it, or all ends.
                        sent = try await pipeline.send(message(sent), shardingKey: shard) + 1
                        try await Task.sleep(for: .milliseconds(2))
                    }
                }
                return
            }
            var sent = 0
            while !isOver.isRaised {
                do throws(ClientError) {
                    hear(sent, .success(try await send(sent, with: producer)))
                } catch {
                    hear(sent, .failure(error))
                }
                sent += 1
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        return true
    }
}

/// Raised by the thread that listens, seen by the task that sends.
private final class Flag: Sendable {
    private let raised = Atomic(false)

    var isRaised: Bool { raised.load(ordering: .relaxed) }

    func raise() { raised.store(true, ordering: .relaxed) }
}
