// Work that belongs on a connection's own event loop.

internal import NIOCore

extension Connection {
    /// Runs `body` on the event loop that serves this connection, later.
    public func execute(_ body: @escaping @Sendable () -> Void) {
        channel.eventLoop.execute(body)
    }
}
