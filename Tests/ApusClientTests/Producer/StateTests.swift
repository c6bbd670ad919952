// What a producer decides without a network: windows, health, batches, queues, settings.

import ApusFormat
import ApusRemoting
import TestSupport
import Testing

@testable import ApusClient

@Suite("A producer's decisions")
struct ProducerStateTests {
    @Test("a broker is avoided for the longer the slower it was, and no longer once it is quick")
    func health() {
        let now = ContinuousClock.now
        var health = BrokerHealth()
        health.answered(after: .milliseconds(500), at: now)
        #expect(!health.isAvoided(at: now))
        var last = Duration.zero
        for (slowness, rest) in BrokerHealth.table.reversed() {
            health.answered(after: slowness, at: now)
            #expect(health.isAvoided(at: now.advanced(by: rest - .milliseconds(1))))
            #expect(!health.isAvoided(at: now.advanced(by: rest)) && rest > last)
            last = rest
        }
        health.answered(after: .zero, at: now)
        #expect(!health.isAvoided(at: now))
        health.failed(at: now)
        #expect(health.isAvoided(at: now.advanced(by: .seconds(9))))
    }

    private var sender: SenderIdentity {
        let host = HostAddress(ipv4: 0x7F00_0001, port: 0)
        return SenderIdentity(
            group: "g", UniqueIDGenerator(host: host, processID: 1, instance: 2))
    }

    private func route(_ counts: [(String, Int32)]) -> PublishRoute {
        let groups = counts.map { TopicRoute.Group(broker: $0.0, addresses: [0: "127.0.0.1:1"]) }
        let queues = counts.map {
            TopicRoute.Queues(
                broker: $0.0, readQueues: $0.1, writeQueues: $0.1, permission: 6)
        }
        return PublishRoutes(sender).make(
            TopicRoute(topic: "T", groups: groups, queues: queues), 0)
    }

    @Test("a route that is made while another one comes is not kept")
    func overtaken() {
        let routes = PublishRoutes(sender)
        let old = TopicRoute(topic: "T", groups: [], queues: [])
        let generation = routes.generation
        routes.forget("T")
        _ = routes.make(old, generation)
        #expect(routes.known("T") == nil)
        _ = routes.make(old, routes.generation)
        #expect(routes.known("T") != nil)
    }

    @Test("queues come in turn, those of avoided brokers last")
    func turns() throws {
        let route = route([("a", 2), ("b", 1)])
        let round = (0..<3).compactMap { _ in route.next()?.queue }
        #expect(Set(round).count == 3)
        #expect(route.next(avoiding: ["a"])?.queue.broker == "b")
        #expect(route.next(avoiding: ["a", "b"]) != nil)
        route.targets[0].endpoint.failed()
        for _ in 0..<6 { #expect(route.next()?.queue.broker == "b") }
        #expect(route.next(avoiding: ["b"])?.queue.broker == "a")
        #expect(self.route([]).next() == nil && self.route([]).target(for: "k") == nil)
    }

    @Test("the queue of a key is Java's, also for the hash that has no absolute value")
    func keys() {
        let route = route([("a", 7)])
        // "polygenelubricants".hashCode() is Integer.MIN_VALUE.
        #expect(route.target(for: "polygenelubricants")?.queue.id == 0)
        // "a".hashCode() is 97.
        #expect(route.target(for: "a")?.queue.id == Int32(97 % 7))
    }

    @Test("a window admits in order what fits, and whoever gives up leaves the others their places")
    func window() async throws {
        let window = SendWindow(count: 2, bytes: 100)
        #expect(
            window.tryEnter(bytes: 60) && !window.tryEnter(bytes: 60) && window.tryEnter(bytes: 40))
        #expect(!window.tryEnter(bytes: 0))
        async let waited = window.enter(70)
        window.leave(bytes: 60)
        window.leave(bytes: 40)
        let isIn = await waited
        #expect(isIn && window.inFlight == 1)
        let given = Task { await window.enter(100) }
        given.cancel()
        let isGiven = await given.value
        #expect(!isGiven)
        window.leave(bytes: 70)
        #expect(window.inFlight == 0)
        // What is larger than the whole window goes alone.
        #expect(window.tryEnter(bytes: 1000) && !window.tryEnter(bytes: 1))
    }

    @Test("no moment shows more under way than may be, however many threads ask for places")
    func neverMore() async {
        let window = SendWindow(count: 2, bytes: 100)
        await withTaskGroup(of: Int.self) { threads in
            for thread in 0..<4 {
                threads.addTask {
                    var most = 0
                    for number in 0..<50_000 {
                        let places = (number + thread) % 3 == 0 ? 2 : 1
                        let isIn = window.tryEnter(places, bytes: 60)
                        most = max(most, window.inFlight)
                        if isIn { window.leave(places, bytes: 60) }
                    }
                    return most
                }
            }
            for await most in threads { #expect(most <= 2) }
        }
        #expect(window.inFlight == 0 && window.tryEnter(2, bytes: 100))
    }

    @Test("a batch holds each message once, in order, and no part is too long")
    func batches() throws {
        var numbers = SeededNumbers.printed()
        let id = UniqueID(
            host: .loopback(port: 0), processID: 1, instance: 2, millisecondsOfMonth: 3,
            counter: 4)
        for _ in 0..<50 {
            let limit = Int.random(in: 100...3000, using: &numbers)
            var cutter = BatchCutter(limit: limit)
            let bodies = (0..<Int.random(in: 1...40, using: &numbers)).map { _ in
                [UInt8](repeating: 7, count: Int.random(in: 1...2000, using: &numbers))
            }
            for body in bodies { cutter.append(Message(body, to: "T"), id) }
            cutter.cut()
            var found: [[UInt8]] = []
            for part in cutter.parts {
                #expect(part.range.lowerBound == found.count)
                #expect(part.frames.count <= limit || part.range.count == 1)
                var offset = 0
                while offset < part.frames.count {
                    let frame = try ClientBatch.frame(in: part.frames.rawSpan, at: offset)
                    found.append(Array(part.frames[frame.body]))
                    offset = frame.end
                }
                #expect(part.range.upperBound == found.count)
            }
            #expect(found == bodies)
        }
    }

    private static let contradictions: [(String, @Sendable (inout ProducerConfiguration) -> Void)] =
        [
            ("NameServer", { $0.client.nameServers = [] }),
            ("host:port", { $0.client.nameServers = ["here"] }),
            ("requestTimeout", { $0.client.requestTimeout = .zero }),
            ("120", { $0.client.heartbeatInterval = .seconds(100) }),
            ("group", { $0.group = "a b" }), ("sendTimeout", { $0.sendTimeout = .zero }),
            ("attempts", { $0.attempts = 0 }), ("maximumInFlight", { $0.maximumInFlight = 0 }),
            ("maximumInFlightBytes", { $0.maximumInFlightBytes = 10 }),
            ("maximumFrameBytes", { $0.maximumMessageBytes = 65 << 20 }),
            ("can say of its length", { $0.client.maximumFrameBytes = 1 << 31 }),
            ("level", { $0.compression = Compression(.lz4, level: 99) }),
            ("tls", { $0.client.tls = ClientTLS(certificate: "x") }),
        ]

    @Test("settings that cannot be followed are refused by name")
    func settings() throws {
        let good = ProducerConfiguration(nameServers: "a:1;b:2", "c:3")
        #expect(good.client.nameServers == ["a:1", "b:2", "c:3"])
        try good.check()
        for (word, change) in Self.contradictions {
            var bad = good
            change(&bad)
            let error = #expect(throws: ClientError.self, "\(word)") { try bad.check() }
            #expect(error?.reason.contains(word) == true, "\(word): \(error?.reason ?? "")")
        }
    }
}

extension ClientTLS {
    fileprivate init(certificate: String) {
        self.init()
        certificatePath = certificate
    }
}
