// Why something failed, and who may try it again.

public import ApusRemoting

/// A failure of the client: what was tried, why it failed, whether it may have happened all the
/// same, and what to do.
public struct ClientError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        /// The message, the topic or the group breaks a rule: change it.
        case invalidMessage
        /// A setting cannot be followed: change it.
        case invalidSetting
        /// No NameServer answered.
        case noNameServer
        /// No NameServer knows the topic, or no broker takes what was to be done with it.
        case noRoute
        /// No connection could be made, or it closed before the answer.
        case unreachable
        /// Certificates: that of a server is not trusted or has another name, or the client's own
        /// is not.
        case untrusted
        /// Not done when its time was over.
        case timedOut
        /// A broker or NameServer refused, with this code.
        case refused(ResponseCode)
        /// An answer could not be understood.
        case badAnswer
        /// A body could not be compressed or decompressed.
        case compression
        /// A file of the client could not be read or written.
        case file
        /// The producer or consumer has been closed, or was not running.
        case closed
        /// The task was cancelled.
        case cancelled
    }

    /// Who may try the same again.
    public enum Retry: Sendable, Hashable {
        /// Nobody: it fails again until something is changed.
        case never
        /// The caller, later. The client has tried as often as it was allowed to.
        case byCaller
    }

    public let kind: Kind
    /// What was tried, on what.
    public let attempt: String
    /// What came of it, and what to do.
    public let reason: String
    /// Whether it may have been carried out although no answer says so: trying again may do it
    /// twice.
    public let mayHaveHappened: Bool

    public init(
        _ kind: Kind, _ attempt: String, _ reason: String, mayHaveHappened: Bool = false
    ) {
        self.kind = kind
        self.attempt = attempt
        self.reason = reason
        self.mayHaveHappened = mayHaveHappened
    }

    public var retry: Retry {
        switch kind {
        case .invalidMessage, .invalidSetting, .untrusted, .closed, .cancelled, .compression: .never
        case .noNameServer, .noRoute, .unreachable, .timedOut, .file: .byCaller
        case .badAnswer: .never
        case .refused(let code): code.isLasting ? .never : .byCaller
        }
    }

    /// Whether the same may go well later.
    public var isRetryable: Bool { retry == .byCaller }

    public var description: String {
        let doubt = mayHaveHappened ? "; it may have been carried out" : ""
        return "\(attempt) failed: \(reason)\(doubt)"
    }
}

extension ClientError.Kind {
    init(_ problem: TLSError) {
        switch problem {
        case .setting, .file, .context: self = .invalidSetting
        case .untrusted, .otherName, .certificateRefused: self = .untrusted
        case .handshake: self = .unreachable
        }
    }
}

extension ResponseCode {
    /// Whether the same request is refused again, by this broker and by others.
    var isLasting: Bool {
        switch self {
        case .messageIllegal, .versionNotSupported, .invalidParameter, .requestCodeNotSupported,
            .subscriptionParseFailed, .illegalOperation, .userNotExist, .policyNotExist:
            true
        default: false
        }
    }

    /// Whether another broker may take a message that one refused so. RocketMQ's client has the
    /// same list.
    var invitesAnotherBroker: Bool {
        switch self {
        case .topicNotExist, .serviceNotAvailable, .systemError, .systemBusy, .noPermission,
            .noBuyerId, .notInCurrentUnit, .goAway:
            true
        default: false
        }
    }
}

extension ClientError {
    /// A refusal with what the server said.
    init(_ answer: RemotingCommand, _ attempt: String) {
        self.init(refusal: answer.responseCode, remark: answer.remark, attempt)
    }

    init(refusal code: ResponseCode, remark: String?, _ attempt: String) {
        self.init(
            .refused(code), attempt,
            "code \(code), \"\(remark ?? "")\"; \(Self.advice(code))")
    }

    private static func advice(_ code: ResponseCode) -> String {
        switch code {
        case .noPermission: "see the rights of the topic, of the group and of the account"
        case .topicNotExist: "create the topic first, or let brokers create topics"
        case .systemBusy, .flowControl: "the broker has too much to do: send less, or later"
        case .messageIllegal: "the broker's limits are below this message"
        case .serviceNotAvailable: "the broker is stopping, its disk is full, or it is a replica"
        case .subscriptionGroupNotExist: "create the group first, or let brokers create groups"
        default: "the broker's log may say more"
        }
    }

    /// What the connection reports.
    init(_ error: RemotingError, _ attempt: String) {
        switch error {
        case .badAddress: self.init(.invalidSetting, attempt, "\(error)")
        case .connectFailed: self.init(.unreachable, attempt, "\(error)")
        case .notSecured(_, let problem):
            self.init(Kind(problem), attempt, "\(error)")
        case .connectionClosed:
            self.init(.unreachable, attempt, "\(error)", mayHaveHappened: true)
        case .timedOut: self.init(.timedOut, attempt, "\(error)", mayHaveHappened: true)
        case .closed: self.init(.closed, attempt, "the client has been closed")
        }
    }

    /// TLS is not to be had as it was asked for.
    init(_ problem: TLSError, _ attempt: String) {
        self.init(Kind(problem), attempt, "\(problem)")
    }

    static func cancelled(_ attempt: String, mayHaveHappened: Bool = false) -> ClientError {
        ClientError(
            .cancelled, attempt, "its task was cancelled", mayHaveHappened: mayHaveHappened)
    }

    static func closed(_ attempt: String) -> ClientError {
        ClientError(.closed, attempt, "the client has been closed: make another one")
    }

    /// The same failure, which may have been carried out by an attempt before this one.
    func inDoubt(_ isInDoubt: Bool) -> ClientError {
        ClientError(kind, attempt, reason, mayHaveHappened: mayHaveHappened || isInDoubt)
    }
}
