// Connections that do the same, in phases.

import CRoofline
import NIOCore
import NIOPosix

/// Connections with a `Caller` each.
struct Crowd<Talk: Conversation> {
    private let channels: [any Channel]

    /// Connects, to the addresses in turn. `talk` makes the conversation of each by its number.
    static func connect(
        _ count: Int, to addresses: [SocketAddress], group: any EventLoopGroup,
        _ talk: @escaping @Sendable (Int) -> Talk
    ) async throws -> Crowd {
        var channels: [any Channel] = []
        for number in 0..<count {
            let bootstrap = ClientBootstrap(group: group)
                .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                .channelOption(
                    .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10)
                )
                .channelOption(.maxMessagesPerRead, value: 1)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            Caller(talk(number)))
                    }
                }
            channels.append(
                try await bootstrap.connect(to: addresses[number % addresses.count]).get())
        }
        return Crowd(channels: channels)
    }

    /// Lets all of them ask for so long, and waits for the answers. `rate` is of all requests a
    /// second; 0: as fast as answers come. Answers what came of it, and how long it took.
    func run(seconds: Double, rate: Double = 0) async throws -> PhaseResult {
        let start = croofline_now()
        let futures = begin(at: start, end: start + Int64(seconds * 1e9), rate: rate)
        return PhaseResult(tally: try await Self.sum(futures), start: start)
    }

    /// The same, without waiting.
    func begin(at start: Int64, end: Int64, rate: Double = 0) -> [EventLoopFuture<Tally>] {
        let interval = rate > 0 ? Int64(1e9 * Double(channels.count) / rate) : 0
        return begin { number in
            Phase(
                end: end,
                firstDue: start + interval * Int64(number) / Int64(channels.count),
                interval: interval)
        }
    }

    /// Has each ask once.
    func askOnce() async throws -> Tally {
        let now = croofline_now()
        return try await Self.sum(begin { _ in Phase(end: now + 1, firstDue: now, interval: 1) })
    }

    private func begin(_ phase: (Int) -> Phase) -> [EventLoopFuture<Tally>] {
        channels.enumerated().map { number, channel in
            let promise = channel.eventLoop.makePromise(of: Tally.self)
            let phase = phase(number)
            channel.eventLoop.execute {
                do {
                    try channel.pipeline.syncOperations.handler(type: Caller<Talk>.self)
                        .begin(phase, promise)
                } catch { promise.fail(error) }
            }
            return promise.futureResult
        }
    }

    /// Ends what `begin` began, without waiting for answers.
    func cut() {
        for channel in channels {
            channel.eventLoop.execute {
                // Gone only with its connection, which ended the phase.
                try? channel.pipeline.syncOperations.handler(type: Caller<Talk>.self).cut()
            }
        }
    }

    static func sum(_ futures: [EventLoopFuture<Tally>]) async throws -> Tally {
        var all = Tally()
        for future in futures { all.merge(try await future.get()) }
        return all
    }

    func close() async {
        for channel in channels { try? await channel.close() }
    }
}

/// What a phase came to.
struct PhaseResult: Sendable {
    let tally: Tally
    let start: Int64

    var messagesPerSecond: Double {
        let nanoseconds = max(1, tally.lastAnswer - start)
        return Double(tally.messages) * 1e9 / Double(nanoseconds)
    }
}
