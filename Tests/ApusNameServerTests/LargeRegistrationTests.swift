// Registrations that take long to read: beside the event loops, and in their order all the same.

import ApusFormat
import ApusRemoting
import ApusSystem
import Dispatch
import Logging
import NIOPosix
import Testing

@testable import ApusNameServer

@Suite("A registration of thousands of topics", .timeLimit(.minutes(2)))
struct LargeRegistrationTests {
    private static let topicCount = 2_000
    /// Some hundred thousand bytes.
    private static let large = jsonBody((0..<topicCount).map { "Topic-\($0)" })

    /// A server whose registrar does nothing before `open` is called, and a client with one
    /// connection to it.
    private func withHeldRegistrar(
        _ body: (Harness, RemotingClient, _ open: () -> Void) async throws -> Void
    ) async throws {
        try await withServer { harness in
            let gate = DispatchSemaphore(value: 0)
            #expect(harness.server.processor.registrar.submit { gate.wait() })
            let client = RemotingClient(
                logger: .quiet, group: MultiThreadedEventLoopGroup.singleton)
            defer { gate.signal() }
            try await body(harness, client) { gate.signal() }
            await client.close()
        }
    }

    private func send(
        _ code: RequestCode, body: [UInt8] = [], compressed: Bool = false,
        _ client: RemotingClient, _ harness: Harness
    ) -> Task<RemotingCommand, any Error> {
        Task {
            try await client.invoke(
                .request(
                    code, fields: brokerFields(more: ["compressed": "\(compressed)"]), body: body),
                on: harness.address, timeout: .seconds(60))
        }
    }

    /// Returns when what the client sent before has arrived: its event loop answers.
    private func arrive(_ client: RemotingClient, _ harness: Harness) async throws {
        let answer = try await send(.getNamesrvConfig, client, harness).value
        #expect(answer.responseCode == .success)
    }

    private func sendOneWay(
        _ code: RequestCode, body: [UInt8] = [], _ client: RemotingClient, _ harness: Harness
    ) async throws {
        try await client.invokeOneWay(
            .request(code, fields: brokerFields(), body: body), on: harness.address)
    }

    @Test("is read beside the event loop, which goes on answering")
    func beside() async throws {
        try await withHeldRegistrar { harness, client, open in
            let registration = send(.registerBroker, body: Self.large, client, harness)
            try await sendOneWay(.registerBroker, body: Self.large, client, harness)
            try await arrive(client, harness)
            #expect(harness.snapshot.brokers.isEmpty)
            open()
            #expect(try await registration.value.responseCode == .success)
            #expect(harness.snapshot.topics.count == Self.topicCount)
        }
    }

    @Test("comes before what its broker says after it")
    func order() async throws {
        try await withHeldRegistrar { harness, client, open in
            try await sendOneWay(.registerBroker, body: Self.large, client, harness)
            // Alone it would be refused: it is one topic of a broker that nobody knows.
            let single = send(
                .registerBroker, body: jsonBody(["Late"], counter: 2), client, harness)
            try await arrive(client, harness)
            open()
            #expect(try await single.value.responseCode == .success)
            #expect(harness.snapshot.topics.count == Self.topicCount + 1)
        }
        try await withHeldRegistrar { harness, client, open in
            try await sendOneWay(.registerBroker, body: Self.large, client, harness)
            try await arrive(client, harness)
            let gone = send(.unregisterBroker, client, harness)
            try await arrive(client, harness)
            open()
            #expect(try await gone.value.responseCode == .success)
            try await eventually("the registrar is done") {
                harness.server.processor.registrar.isIdle
            }
            #expect(harness.snapshot.brokers.isEmpty)
        }
    }

    @Test("leaves no broker behind when its connection closes before it is read")
    func closed() async throws {
        try await withHeldRegistrar { harness, client, open in
            try await sendOneWay(.registerBroker, body: Self.large, client, harness)
            try await arrive(client, harness)
            await client.close()
            // Until the server has seen it.
            try await Task.sleep(for: .milliseconds(300))
            open()
            let registrar = harness.server.processor.registrar
            try await eventually("it has been read") { registrar.isIdle }
            #expect(harness.snapshot.brokers.isEmpty && harness.snapshot.topics.isEmpty)
        }
    }

    @Test("is an error where it cannot be read, and changes nothing")
    func malformed() async throws {
        try await withServer { harness in
            let answer = try await harness.ask(
                .registerBroker, brokerFields(), body: Array(Self.large.dropLast()))
            #expect(answer.responseCode == .systemError && answer.remark?.isEmpty == false)
            let checked = try await harness.ask(
                .registerBroker, brokerFields(more: ["bodyCrc32": "7"]), body: Self.large)
            #expect(checked.remark == "crc32 not match")
            #expect(harness.snapshot.brokers.isEmpty)
        }
    }

    @Test("is read there too when it is small only as long as it is compressed")
    func compressed() async throws {
        try await withServer { harness in
            let topics = (0..<Self.topicCount).map { "Topic-\($0) 4 4 6 SINGLE_TAG {}" }
            let body = try compressedBody(topics: topics)
            #expect(body.count < 64 << 10)
            let (client, registrar) = (harness.client, harness.server.processor.registrar)
            let taken = send(.registerBroker, body: body, compressed: true, client, harness)
            #expect(try await taken.value.responseCode == .success)
            #expect(harness.snapshot.topics.count == Self.topicCount)
            // Without the registrar, what is read where it arrives is read all the same.
            await registrar.stop()
            let refused = send(.registerBroker, body: body, compressed: true, client, harness)
            #expect(try await refused.value.responseCode == .systemBusy)
            let brief = send(.registerBroker, body: jsonBody(["A"], counter: 9), client, harness)
            #expect(try await brief.value.responseCode == .success)
        }
    }

    @Test("weighs what it may become: a few that inflate to megabytes are all that may wait")
    func bombs() async throws {
        // Zeros, a thousandth as long.
        let bomb = try BodyCompression.encode(
            [UInt8](repeating: 0, count: 20 << 20).rawSpan, codec: .zlib)
        #expect(bomb.count < 64 << 10)
        try await withHeldRegistrar { harness, client, open in
            var waiting: [Task<RemotingCommand, any Error>] = []
            for _ in 0..<3 {
                waiting.append(
                    send(.registerBroker, body: bomb, compressed: true, client, harness))
            }
            try await arrive(client, harness)
            for _ in 0..<20 {
                let more = send(.registerBroker, body: bomb, compressed: true, client, harness)
                #expect(try await more.value.responseCode == .systemBusy)
            }
            open()
            for answer in waiting {
                #expect(try await answer.value.responseCode == .systemError)
            }
            #expect(harness.snapshot.brokers.isEmpty)
        }
    }

    @Test(
        "that waits is passed by nothing of its broker's: it is answered busy when too much waits")
    func busy() async throws {
        try await withHeldRegistrar { harness, client, open in
            let registrar = harness.server.processor.registrar
            try await sendOneWay(.registerBroker, body: Self.large, client, harness)
            try await arrive(client, harness)
            var weight = 64 << 20
            while weight > 0 {
                if !registrar.submit(weight: weight, {}) { weight /= 2 }
            }
            let single = send(
                .registerBroker, body: jsonBody(["Late"], counter: 2), client, harness)
            #expect(try await single.value.responseCode == .systemBusy)
            let gone = try await send(.unregisterBroker, client, harness).value
            #expect(gone.responseCode == .systemBusy && gone.remark?.contains("ask again") == true)
            open()
            try await eventually("the registrar is done") { registrar.isIdle }
            #expect(harness.snapshot.topics.count == Self.topicCount)
            // It is alive though it is refused.
            let gate = DispatchSemaphore(value: 0)
            #expect(registrar.submit(weight: 64 << 20) { gate.wait() })
            harness.clock.advance(milliseconds: 100_000)
            let alive = send(.registerBroker, body: jsonBody(["Late"], counter: 2), client, harness)
            #expect(try await alive.value.responseCode == .systemBusy)
            gate.signal()
            harness.clock.advance(milliseconds: 100_000)
            harness.server.processor.sweep()
            try await eventually("the registrar is done") { registrar.isIdle }
            #expect(harness.snapshot.brokers.count == 1)
            #expect(try await send(.unregisterBroker, client, harness).value.code == 0)
            #expect(harness.snapshot.brokers.isEmpty)
        }
    }

    @Test("is not taken by a worker for which too much waits already, or that has stopped")
    func full() async throws {
        let worker = Worker(limit: 3)
        let gate = DispatchSemaphore(value: 0)
        #expect(worker.isIdle)
        #expect(worker.submit(weight: 2) { gate.wait() })
        #expect(!worker.submit(weight: 2) {} && !worker.isIdle)
        #expect(worker.submit(weight: 1) {})
        #expect(!worker.submit {})
        gate.signal()
        try await eventually("all is done") { worker.isIdle }
        #expect(worker.submit(weight: 3) {})
        await worker.stop()
        #expect(!worker.submit {})
    }
}
