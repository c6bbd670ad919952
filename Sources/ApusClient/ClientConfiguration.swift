// What a producer or a consumer needs to know of the system that it talks to.

public import ApusRemoting
public import Logging
public import Metrics
public import NIOCore
internal import NIOPosix
public import Tracing

/// Where the NameServers are, who the client is, and how patient it is. One value can serve any
/// number of producers and consumers.
public struct ClientConfiguration: Sendable {
    /// `host:port` of each NameServer. All of them know the same; one that answers is enough.
    public var nameServers: [String]

    /// Tells this program from others on its machine, in the client's id; nil: its process id.
    public var instanceName: String?

    /// What requests are signed with, for brokers with access control. `SessionCredentials` are
    /// RocketMQ's ACL 1.0.
    public var credentials: SessionCredentials?

    /// How connections are encrypted; nil: plaintext. Servers' certificates are verified unless
    /// the settings say otherwise. Needs a build with the trait `TLS`.
    public var tls: ClientTLS?

    /// How long a question to a NameServer or a broker may take that is neither a send nor a pull.
    public var requestTimeout: Duration = .seconds(3)

    /// How long a connection may take to be made.
    public var connectTimeout: Duration = .seconds(3)

    /// How often routes are asked for again while nothing is wrong. On a connection error they are
    /// at once.
    public var routeRefreshInterval: Duration = .seconds(30)

    /// How often brokers hear that the client is there. They forget it after 120 seconds.
    public var heartbeatInterval: Duration = .seconds(30)

    /// The longest frame that is taken from a server, in bytes: above what a pull may bring.
    public var maximumFrameBytes = 64 << 20

    public var logger = Logger(label: "apus.client")

    /// Who collects metrics; nil: whoever was set up for the whole program (swift-metrics) when the
    /// client is made.
    public var metrics: (any MetricsFactory)?

    /// Who traces; nil: whoever was set up for the whole program (swift-distributed-tracing) when
    /// the client is made. Messages carry the trace to their consumers in properties.
    public var tracer: (any Tracer)?

    /// Where RocketMQ's own message trace goes, usually `RMQ_SYS_TRACE_TOPIC`; nil: there is none.
    /// (`enableMsgTrace`, `customizedTraceTopic`)
    public var traceTopic: String?

    /// What runs the connections. It is not shut down by the client.
    public var eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton

    /// `nameServers` are `host:port`, several in one text with semicolons between, as in
    /// `NAMESRV_ADDR`.
    public init(nameServers: String...) {
        self.nameServers = nameServers.flatMap { text in
            text.split(separator: ";").map { String($0).trimmed }.filter { !$0.isEmpty }
        }
    }
}

extension ClientConfiguration {
    /// Throws for what cannot be followed.
    func check() throws(ClientError) {
        func refuse(_ reason: String) -> ClientError {
            ClientError(.invalidSetting, "reading the configuration", reason)
        }
        if nameServers.isEmpty { throw refuse("no NameServer is named: write host:port") }
        for address in nameServers where !Self.isAddress(address) {
            throw refuse("\"\(address)\" is no address of a NameServer: write host:port")
        }
        let times: [(String, Duration)] = [
            ("requestTimeout", requestTimeout), ("connectTimeout", connectTimeout),
            ("routeRefreshInterval", routeRefreshInterval),
            ("heartbeatInterval", heartbeatInterval),
        ]
        for (name, time) in times where time <= .zero {
            throw refuse("\(name) is \(time), but must be above zero")
        }
        if heartbeatInterval > .seconds(60) {
            throw refuse(
                "heartbeatInterval is \(heartbeatInterval), but brokers forget clients after 120"
                    + " seconds: 60 seconds at most")
        }
        if let problem = tls?.problem { throw refuse("\(problem)") }
        if let traceTopic { try Names.check(topic: traceTopic, "reading the configuration") }
        if maximumFrameBytes < 64 << 10 {
            throw refuse("maximumFrameBytes is \(maximumFrameBytes), below the 64 KiB of a header")
        }
        if maximumFrameBytes > Int32.max {
            throw refuse(
                "maximumFrameBytes is \(maximumFrameBytes), above the \(Int32.max) that a frame can"
                    + " say of its length")
        }
    }

    private static func isAddress(_ text: String) -> Bool {
        guard let colon = text.lastIndex(of: ":"),
            let port = UInt16(text[text.index(after: colon)...])
        else { return false }
        return colon > text.startIndex && port > 0
    }

    /// How connections are made.
    var remoting: RemotingConfiguration {
        var remoting = RemotingConfiguration()
        remoting.connectTimeout = connectTimeout
        remoting.clientTLS = tls
        remoting.limits.frameBytes = maximumFrameBytes
        return remoting
    }
}

extension String {
    /// Without blanks at both ends.
    var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
