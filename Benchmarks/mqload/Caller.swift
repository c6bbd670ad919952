// The only handler of a connection: keeps so many requests under way, or sends them at their times.
//
// At a rate, each request has a time at which it is due, whatever became of those before it, and
// its latency counts from then: a server that stops for a second is not asked less for it.

import CRoofline
import Histogram
import NIOCore

/// One phase of a connection.
struct Phase: Sendable {
    /// By the monotonic clock: nothing is asked from then on.
    let end: Int64
    /// When the first request is due; with an interval of 0 it goes out at once.
    let firstDue: Int64
    /// Nanoseconds between requests; 0: one as soon as a slot is free.
    let interval: Int64

    /// How long after the end answers are waited for.
    static let patience: Int64 = 10_000_000_000
}

/// Runs on its connection's event loop.
final class Caller<Talk: Conversation>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var talk: Talk
    /// Read while `talk` hears.
    private let isTimed: Bool
    private let times: Times.OfLoop
    /// When the request of each slot was due.
    private var due: [Int64]
    private var free: [Int]
    private var out = ByteBuffer()
    private var tally = Tally()
    private var phase = Phase(end: 0, firstDue: 0, interval: 0)
    private var nextDue: Int64 = 0
    private var isTimerSet = false
    private var finished: EventLoopPromise<Tally>?
    private var context: ChannelHandlerContext?

    init(_ talk: Talk, _ times: Times.OfLoop) {
        self.talk = talk
        isTimed = !talk.isTimingItself
        self.times = times
        due = Array(repeating: 0, count: talk.slots)
        free = Array((0..<talk.slots).reversed())
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }
    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Begins a phase; the promise is kept when all its requests have their answers.
    func begin(_ phase: Phase, _ promise: EventLoopPromise<Tally>) {
        self.phase = phase
        finished = promise
        tally = Tally()
        nextDue = phase.firstDue
        guard let context, context.channel.isActive else { return giveUp("the connection closed") }
        goOn(context, at: croofline_now())
        flush(context)
        let patience = NIODeadline.uptimeNanoseconds(UInt64(phase.end + Phase.patience))
        let end = phase.end
        context.eventLoop.assumeIsolated().scheduleTask(deadline: patience) { [weak self] in
            if let self, self.phase.end == end { self.giveUp("no answer within 10 s") }
        }
        context.eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(end))
        ) { [weak self] in self?.endIfDone() }
    }

    /// Ends the phase now; what is under way does not count.
    func cut() {
        if finished != nil { finish() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        let now = croofline_now()
        tally.bytesIn += buffer.readableBytes
        do {
            try talk.hear(buffer.readableBytesSpan, at: now) { slot, answer in
                take(answer, of: slot, at: now)
            }
        } catch {
            giveUp("\(error)")
            return context.close(promise: nil)
        }
        goOn(context, at: now)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
        endIfDone()
    }

    func channelInactive(context: ChannelHandlerContext) { giveUp("the connection closed") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        giveUp("\(error)")
        context.close(promise: nil)
    }

    private func take(_ answer: Answer, of slot: Int, at now: Int64) {
        free.append(slot)
        tally.lastAnswer = now
        tally.answers += 1
        switch answer {
        case .messages(let count):
            tally.requests += 1
            tally.messages += count
            if isTimed { times.value.latency.record(now - due[slot]) }
        case .nothing: break
        case .refused(let code): tally.refused[code, default: 0] += 1
        }
    }

    // MARK: asking

    private func goOn(_ context: ChannelHandlerContext, at now: Int64) {
        guard finished != nil else { return }
        guard phase.interval > 0 else {
            while now < phase.end, let slot = free.popLast() { ask(slot, due: now) }
            return
        }
        while nextDue <= now, nextDue < phase.end, let slot = free.popLast() {
            times.value.lateness.record(now - nextDue)
            ask(slot, due: nextDue)
            nextDue += phase.interval
        }
        // With all slots taken, an answer goes on.
        if nextDue < phase.end, nextDue > now, !isTimerSet { setTimer(context) }
    }

    private func ask(_ slot: Int, due time: Int64) {
        due[slot] = time
        talk.ask(slot: slot, due: time, into: &out)
    }

    private func setTimer(_ context: ChannelHandlerContext) {
        isTimerSet = true
        context.eventLoop.assumeIsolated().scheduleTask(
            deadline: .uptimeNanoseconds(UInt64(nextDue))
        ) { [weak self] in
            guard let self, let context = self.context else { return }
            isTimerSet = false
            goOn(context, at: croofline_now())
            flush(context)
        }
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard out.readableBytes > 0 else { return }
        tally.bytesOut += out.readableBytes
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        out.clear()
    }

    // MARK: the end of a phase

    private func endIfDone() {
        guard finished != nil, croofline_now() >= phase.end, free.count == due.count else { return }
        finish()
    }

    private func giveUp(_ why: String) {
        guard finished != nil else { return }
        tally.unanswered = due.count - free.count
        tally.complaint = why
        finish()
    }

    private func finish() {
        if phase.interval > 0, nextDue < phase.end {
            tally.unsent = Int((phase.end - nextDue + phase.interval - 1) / phase.interval)
        }
        finished?.succeed(tally)
        finished = nil
    }
}
