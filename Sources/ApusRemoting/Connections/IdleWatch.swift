// Closes connections on which nothing happens. One timer for each connection, set anew when it goes
// off, not when something happens.

internal import NIOCore

/// Watches one connection, on its event loop.
final class IdleWatch: NIOScheduledCallbackHandler {
    private let idleTimeout: TimeAmount
    private let firstFrameTimeout: TimeAmount?
    private let opened = NIODeadline.now()
    private var lastActivity = NIODeadline.now()
    private var hasFrame = false
    /// When the time was found to be over, for the first time.
    private var suspicion: NIODeadline?
    private var callback: NIOScheduledCallback?
    /// What to do about a connection that is idle, with the words why; false puts it off.
    private var close: ((String) -> Bool)?
    /// Called whenever half the time has passed without anything.
    private var rest: (() -> Void)?

    init(_ configuration: RemotingConfiguration, expectsFrame: Bool) {
        idleTimeout = TimeAmount(configuration.idleTimeout)
        firstFrameTimeout = expectsFrame ? TimeAmount(configuration.firstFrameTimeout) : nil
    }

    func start(
        on loop: any EventLoop, rest: @escaping () -> Void, close: @escaping (String) -> Bool
    ) {
        self.close = close
        self.rest = rest
        schedule(
            on: loop, at: min(opened + (firstFrameTimeout ?? idleTimeout), opened + idleTimeout))
    }

    func stop() {
        callback?.cancel()
        callback = nil
        close = nil
        rest = nil
    }

    /// Bytes came, or the peer took some.
    func noteActivity() { lastActivity = .now() }

    func noteFrame() { hasFrame = true }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        let now = NIODeadline.now()
        guard let reason = overdue(at: now) else {
            suspicion = nil
            if now >= lastActivity + idleTimeout / 2 { rest?() }
            // Twice in the time that is allowed, so that memory is given back meanwhile.
            return schedule(on: eventLoop, at: min(nextDeadline, now + idleTimeout / 2))
        }
        // Once more a moment later: on a loop that was held up, bytes may wait to be read.
        if suspicion == nil {
            suspicion = now
            return schedule(on: eventLoop, at: now + Self.secondLook)
        }
        if close?(reason) ?? true { return }
        suspicion = nil
        lastActivity = now
        schedule(on: eventLoop, at: nextDeadline)
    }

    private static let secondLook = TimeAmount.milliseconds(20)

    /// Why the connection should be closed; nil when it should not.
    private func overdue(at now: NIODeadline) -> String? {
        if let firstFrameTimeout, !hasFrame, now >= opened + firstFrameTimeout {
            return "no whole frame within \(firstFrameTimeout.seconds) s"
        }
        return now >= lastActivity + idleTimeout
            ? "nothing came for \(idleTimeout.seconds) s" : nil
    }

    private var nextDeadline: NIODeadline {
        guard let firstFrameTimeout, !hasFrame else { return lastActivity + idleTimeout }
        return min(opened + firstFrameTimeout, lastActivity + idleTimeout)
    }

    private func schedule(on loop: any EventLoop, at deadline: NIODeadline) {
        // Fails only on a loop that shuts down, which closes all that is on it.
        callback = try? loop.assumeIsolated().scheduleCallback(at: deadline, handler: self)
    }
}

extension TimeAmount {
    fileprivate var seconds: Double { Double(nanoseconds) / 1e9 }

    fileprivate static func / (amount: TimeAmount, divisor: Int64) -> TimeAmount {
        .nanoseconds(amount.nanoseconds / divisor)
    }
}
