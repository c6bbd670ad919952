// Who answers requests.

/// Answers what comes on connections. All calls of one connection are made on its event loop and
/// must not block; those of different connections come at once.
public protocol RequestProcessor: Sendable {
    /// A request. Answer with `connection.respond(to: request.replyKey, …)`, now or later and from
    /// any thread. `request` is gone when this returns: copy what is needed later.
    func process(_ request: borrowing Request, on connection: Connection)

    /// The same with something of the processor's own for this connection, nil at first and again
    /// after a while in which nothing came.
    func process(
        _ request: borrowing Request, on connection: Connection, keeping memo: inout AnyObject?)

    /// The first call for a connection.
    func connectionOpened(_ connection: Connection)

    /// The last call for a connection.
    func connectionClosed(_ connection: Connection)
}

extension RequestProcessor {
    public func process(
        _ request: borrowing Request, on connection: Connection, keeping memo: inout AnyObject?
    ) {
        process(request, on: connection)
    }

    public func connectionOpened(_ connection: Connection) {}
    public func connectionClosed(_ connection: Connection) {}
}

/// Answers that it knows no request: what a client that nobody asks does.
public struct NoRequests: RequestProcessor {
    public init() {}

    public func process(_ request: borrowing Request, on connection: Connection) {
        connection.respond(to: request.replyKey, .unsupported(request.code))
    }
}
