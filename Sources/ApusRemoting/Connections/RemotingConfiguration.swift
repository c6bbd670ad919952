// What a server or client allows its connections.

/// Bounds and times of connections.
public struct RemotingConfiguration: Sendable {
    public var limits = HeaderLimits()
    /// How long a frame a server takes, in bytes, from a connection that was not trusted yet
    /// (`Connection.trust`); nil: as long as from any other.
    public var strangerFrameBytes: Int?
    /// A connection from which nothing came for so long is closed. Clients of RocketMQ send a
    /// heartbeat every 30 s.
    public var idleTimeout: Duration = .seconds(120)
    /// A server closes a connection on which no whole frame has come so long after it was opened.
    public var firstFrameTimeout: Duration = .seconds(10)
    /// A server closes what comes beyond so many connections at once.
    public var maximumConnections = 20_000
    /// Bytes waiting to be written above which a server reads nothing more from a connection, and
    /// below which reading goes on. A client always reads.
    public var writeMarks = 512 << 10...1 << 20
    /// Bytes waiting to be written above which the connection is closed: its peer does not read
    /// what it asked for.
    public var maximumOutboundBytes = 128 << 20
    /// Connections that the kernel holds before they are accepted.
    public var backlog: Int32 = 1024
    /// Whether a server believes a PROXY header at the start of a connection, as RocketMQ's does.
    /// Whoever can connect can then claim any address.
    public var acceptsProxyProtocol = true
    /// What a server does with TLS.
    public var serverTLS = ServerTLS()
    /// How a client speaks TLS; nil: plaintext.
    public var clientTLS: ClientTLS?
    /// How long a client tries to connect, and then for its handshake to be done.
    public var connectTimeout: Duration = .seconds(3)

    public init() {}
}
