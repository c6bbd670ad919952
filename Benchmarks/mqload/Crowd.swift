// Connections that do the same, in phases.

import CRoofline
import NIOCore
import NIOPosix

/// Connections with a `Caller` each.
struct Crowd<Talk: Conversation> {
    private let channels: [any Channel]
    /// Of each event loop of the group.
    private let times: [Times.OfLoop]

    /// Connects, to the places in turn. `talk` makes the conversation of each by its number. On
    /// an error those that were made are closed.
    static func connect(
        _ count: Int, to places: [Place], group: any EventLoopGroup,
        _ talk: @escaping @Sendable (Int, Times.OfLoop) -> Talk
    ) async throws -> Crowd {
        let times = group.makeIterator().map {
            Times.OfLoop.makeBoxSendingValue(Times(), eventLoop: $0)
        }
        var channels: [any Channel] = []
        do {
            for number in 0..<count {
                let own = times[number % times.count]
                let place = places[number % places.count]
                let bootstrap = ClientBootstrap(group: own.eventLoop)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelOption(
                        .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10)
                    )
                    .channelOption(.maxMessagesPerRead, value: 1)
                    .channelInitializer { channel in
                        channel.eventLoop.makeCompletedFuture {
                            try place.begin(on: channel)
                            try channel.pipeline.syncOperations.addHandler(
                                Caller(talk(number, own), own))
                        }
                    }
                channels.append(
                    try await bootstrap.connect(to: place.address)
                        .flatMap { place.ready($0) }.get())
            }
        } catch {
            await Crowd(channels: channels, times: times).close()
            throw error
        }
        return Crowd(channels: channels, times: times)
    }

    /// Connections that are open.
    var openCount: Int { channels.count { $0.isActive } }

    /// Lets all of them ask for so long, and waits for the answers. `rate` is of all requests a
    /// second; 0: as fast as answers come. Answers what came of it, and how long it took.
    func run(seconds: Double, rate: Double = 0) async throws -> PhaseResult {
        try await begin(seconds: seconds, rate: rate).result()
    }

    /// Has each ask once.
    func askOnce() async throws -> PhaseResult {
        try await begin { start, _ in Phase(end: start + 1, firstDue: start, interval: 1) }.result()
    }

    /// Begins what `run` does, without waiting for its end.
    func begin(seconds: Double, rate: Double = 0) async throws -> PhaseUnderWay {
        let interval = rate > 0 ? Int64(1e9 * Double(channels.count) / rate) : 0
        let count = Int64(channels.count)
        return try await begin { start, number in
            Phase(
                end: start + Int64(seconds * 1e9),
                firstDue: start + interval * Int64(number) / count, interval: interval)
        }
    }

    private func begin(
        _ phase: (_ start: Int64, _ number: Int) -> Phase
    ) async throws -> PhaseUnderWay {
        // Before the clock starts: new pages take their time.
        for own in times {
            try await own.eventLoop.submit { own.value = Times() }.get()
        }
        let start = croofline_now()
        let futures = channels.enumerated().map { number, channel in
            let promise = channel.eventLoop.makePromise(of: Tally.self)
            let phase = phase(start, number)
            channel.eventLoop.execute {
                do {
                    try channel.pipeline.syncOperations.handler(type: Caller<Talk>.self)
                        .begin(phase, promise)
                } catch { promise.fail(error) }
            }
            return promise.futureResult
        }
        return PhaseUnderWay(start: start, futures: futures, times: times)
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

    func close() async {
        for channel in channels { try? await channel.close() }
    }
}

extension Crowd<SendConversation> {
    /// Connections that send what `plan` says, with so many requests under way on each.
    static func senders(
        _ count: Int, _ plan: SendPlan, inFlight: Int, to broker: LoadedBroker,
        group: any EventLoopGroup
    ) async throws -> Crowd {
        try await connect(count, to: try broker.places(), group: group) { number, _ in
            SendConversation(plan, slots: inFlight, number: number)
        }
    }
}

/// A phase that was begun.
struct PhaseUnderWay {
    let start: Int64
    fileprivate let futures: [EventLoopFuture<Tally>]
    fileprivate let times: [Times.OfLoop]

    /// Waits for its end.
    func result() async throws -> PhaseResult {
        var tally = Tally()
        for future in futures { tally.merge(try await future.get()) }
        var all = Times()
        for own in times { all.merge(try await own.eventLoop.submit { own.value }.get()) }
        return PhaseResult(tally: tally, times: all, start: start)
    }
}

/// What a phase came to.
struct PhaseResult: Sendable {
    let tally: Tally
    let times: Times
    /// By the monotonic clock.
    let start: Int64

    var messagesPerSecond: Double {
        let nanoseconds = max(1, tally.lastAnswer - start)
        return Double(tally.messages) * 1e9 / Double(nanoseconds)
    }
}
