// Work that belongs on a connection's own event loop.

internal import NIOCore

extension Connection {
    /// Runs `body` on the event loop that serves this connection, later.
    public func execute(_ body: @escaping @Sendable () -> Void) {
        channel.eventLoop.execute(body)
    }

    /// Has `work` done on the event loop, and sent at once what it appends.
    package func onLoop(_ work: @escaping @Sendable () -> Void) {
        execute {
            self.beginCycle()
            work()
            self.drain()
        }
    }

    /// On the event loop, within a read cycle: what was appended goes now, not at its end.
    package func sendNow() {
        drain()
        beginCycle()
    }
}
