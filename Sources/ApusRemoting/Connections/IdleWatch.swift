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
        if let firstFrameTimeout, !hasFrame, now >= opened + firstFrameTimeout {
            if close?("no whole frame within \(firstFrameTimeout.seconds) s") ?? true { return }
        }
        if now >= lastActivity + idleTimeout {
            if close?("nothing came for \(idleTimeout.seconds) s") ?? true { return }
            lastActivity = now
        } else if now >= lastActivity + idleTimeout / 2 {
            rest?()
        }
        // Twice in the time that is allowed, so that memory is given back meanwhile.
        schedule(on: eventLoop, at: min(lastActivity + idleTimeout, now + idleTimeout / 2))
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
