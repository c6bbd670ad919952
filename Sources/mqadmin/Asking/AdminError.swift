// Why something that was asked for was not done.

import ApusRemoting

/// What was tried, where, and what to do next.
enum AdminError: Error, Hashable, Sendable, CustomStringConvertible {
    case noNameServer
    /// Nobody answered, or not in time.
    case unanswered(String, RemotingError)
    /// The server said no.
    case refused(String, address: String, ResponseCode, remark: String)
    /// The answer is not what such an answer should be.
    case malformed(String, address: String, reason: String)
    /// It is not there; what to do next.
    case absent(String, advice: String)

    var description: String {
        switch self {
        case .noNameServer:
            "no NameServer is known: give -n HOST:PORT, or set NAMESRV_ADDR"
        case .unanswered(let wish, let error): "could not \(wish): \(error)"
        case .refused(let wish, let address, let code, let remark):
            "\(address) refused to \(wish): \(remark.isEmpty ? "no reason given" : Self.line(remark))"
                + " (code \(code)); \(Self.advice(code))"
        case .malformed(let wish, let address, let reason):
            "\(address) was asked to \(wish), and answered what cannot be read (\(reason)): see"
                + " whether it is RocketMQ's, or Apus's"
        case .absent(let what, let advice): "\(what); \(advice)"
        }
    }

    /// RocketMQ's remarks have several lines.
    private static func line(_ remark: String) -> String {
        remark.split(whereSeparator: \.isNewline).joined(separator: " ")
    }

    private static func advice(_ code: ResponseCode) -> String {
        switch code {
        case .topicNotExist: "mqadmin topicList shows the topics"
        case .subscriptionGroupNotExist: "mqadmin updateSubGroup makes a group"
        case .consumerNotOnline: "start a consumer of the group, or see that its name is right"
        case .requestCodeNotSupported: "ask another server: this one does not know the request"
        case .noPermission: "see its settings and permissions"
        case .systemBusy, .serviceNotAvailable, .goAway: "try again later"
        case .queryNotFound: "see that the name is right"
        default: "see its log"
        }
    }
}
