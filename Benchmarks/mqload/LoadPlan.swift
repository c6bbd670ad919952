// What a run does: the flags.

import ApusRemoting
import Bench
import Foundation

/// The parameters of a run.
struct LoadPlan: Sendable {
    /// `host:port` of NameServers, with `;` between; nil: none is asked.
    let nameServers: String?
    /// `host:port` of brokers, with commas between; nil: ours is started.
    let brokers: String?
    let isSync: Bool
    let directory: String
    let topic: String
    let queues: Int
    let connections: Int
    let inFlight: Int
    let body: Int
    let batch: Int
    /// Requests a second in all; 0 for as fast as it goes.
    let rate: Int
    let pull: Int
    let messages: Int
    let seconds: Double
    let threads: Int
    let brokerThreads: Int
    let isBinary: Bool
    let hasRoofline: Bool
    /// Nil for plaintext.
    let encryption: Encryption?

    init(
        _ options: Options, rate usualRate: Int = 0, connections usual: Int = 8,
        inFlight usualInFlight: Int = 32
    ) throws {
        nameServers = options.text("--namesrv")
        brokers = options.text("--broker")
        guard nameServers == nil || brokers == nil else {
            throw UsageError("--namesrv and --broker: one of them")
        }
        isSync = try options.choice("--flush", ["async", "sync"]) == "sync"
        guard !isSync || (nameServers == nil && brokers == nil) else {
            throw UsageError("--flush is for the broker that mqload starts itself")
        }
        directory = options.text("--directory") ?? ".build/mqload"
        topic = options.text("--topic") ?? "mqload"
        queues = try options.number("--queues", 8, in: 1...1024)
        // A broker takes 20,000, and is asked over one more.
        connections = try options.number("--connections", usual, in: 1...19_999)
        inFlight = try options.number("--in-flight", usualInFlight, in: 1...10_000)
        body = try options.number("--body", 128, in: 0...(4 << 20))
        batch = try options.number("--batch", 1, in: 1...1_000)
        rate = try options.number("--rate", usualRate, in: 0...10_000_000)
        pull = try options.number("--pull", 32, in: 1...1_000)
        messages = try options.number("--messages", 100_000, in: 1...10_000_000)
        seconds = try options.decimal("--seconds", options.has("--smoke") ? 0.2 : 5, upTo: 3600)
        let half = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)
        threads = try options.number("--threads", half, in: 1...64)
        brokerThreads = try options.number("--broker-threads", half, in: 1...64)
        isBinary = options.has("--binary")
        hasRoofline = !options.has("--no-roofline")
        let isOwnBroker = nameServers == nil && brokers == nil
        encryption = try options.text("--tls").map {
            try Encryption(path: $0, isOwnBroker: isOwnBroker)
        }
        guard (body + 64) * batch <= 4 << 20 else {
            throw UsageError("a request of \(body * batch) bytes is too large: 4 MiB at most")
        }
    }

    var serialization: HeaderSerialization { isBinary ? .binary : .json }

    /// Whether the broker is one that this program starts and stops.
    var isOwnBroker: Bool { nameServers == nil && brokers == nil }

    /// What the latencies of its requests are of.
    var latencyMeaning: String {
        rate > 0
            ? "from when a request was due to its answer"
            : "from a request to its answer, \(inFlight) under way for each connection"
    }

    /// What every result says of its run, and of where a broker runs that was started for it.
    func parameters(
        _ own: [(String, JSONValue)], ownBroker: String = "in process"
    ) -> [(String, JSONValue)] {
        own + [
            ("broker", .string(brokers ?? nameServers ?? ownBroker)),
            ("flush", .string(isOwnBroker ? (isSync ? "sync" : "async") : "unknown")),
            ("connections", .count(connections)), ("queues", .count(queues)),
            ("threads", .count(threads)), ("brokerThreads", .count(brokerThreads)),
            ("header", .string(isBinary ? "binary" : "JSON")), ("seconds", .figure(seconds)),
        ] + (encryption == nil ? [] : [("connection", .string("TLS"))])
    }
}

extension Flag {
    /// What every command takes.
    static let common: [Flag] = [
        Flag("--namesrv", "LIST", "ask these NameServers for brokers: host:port;host:port"),
        Flag("--broker", "LIST", "these brokers: host:port,host:port"),
        Flag("--flush", "MODE", "of the broker that is started without these: async, sync"),
        Flag("--topic", "NAME", "made when it is not there; mqload"),
        Flag("--queues", "N", "that it is made with; 8"),
        Flag("--connections", "N", "8; 1000 for idle"),
        Flag("--threads", "N", "event loops here; half the cores"),
        Flag("--broker-threads", "N", "of the broker that is started; half the cores"),
        Flag("--tls", "FILE", "encrypt by the keys in it: tls.client.trustCertPath=..."),
        Flag("--binary", nil, "binary headers; JSON, as Java's client by default"),
        Flag("--seconds", "S", "how long it takes, about; 5"),
        Flag("--no-roofline", nil, "leave out the bare server"),
        Flag("--directory", "DIR", "where the started broker has its store; .build/mqload"),
        Flag("--json", nil, "one object instead of a table"),
        Flag("--smoke", nil, "a moment only: does it work at all"),
        Flag("--record", "FILE", "append the result to FILE as NDJSON, with the machine"),
        Flag("--commit", "NAME", "the commit that was built, for --record"),
        Flag("--toolchain", "NAME", "what built it, for --record"),
    ]
    static let inFlight = Flag("--in-flight", "N", "requests under way for each connection; 32")
    static let body = Flag("--body", "N", "bytes of a body; 128")
    static let batch = Flag("--batch", "N", "messages in a request; 1")
}
