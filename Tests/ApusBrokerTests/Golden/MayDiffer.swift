// The list of what may differ between Java's answer and ours. Anything else must be equal.

import ApusFormat
import ApusRemoting

/// Each entry with its reason.
enum MayDiffer {
    /// In every header: `language`, since we do not say that we are Java.
    static let ourLanguage = Language.other

    /// Fields that name a place in the log, or an address with it: Java's log and ours do not
    /// begin with the same records. Each of Java's places must always be the same one of ours.
    static let places: Set = ["msgId", "indexLastUpdatePhyoffset"]

    /// The id that a broker gives a message that came without one: by which broker and when. Java's
    /// must always be the same one of ours.
    static let identity = "transactionId"

    /// Times at which something was stored: those of the replay, and none where Java has none.
    static let times: Set = ["indexLastUpdateTimestamp", "lastUpdateTimestamp", "lastTimestamp"]

    /// We keep no rates: 0.
    static let rates: Set = ["topicPutTps", "consumeTps"]

    /// What a broker says of itself at length (28): that we count less than Java is documented, and
    /// most of it is about Java's threads. What we name, Java names.
    static let tables: Set<RequestCode> = [.getBrokerRuntimeInfo]

    /// In records: the order of the properties, the time of storing, the place, our address, and
    /// the port of a client's connection.

    /// What this broker refuses, as documented, and with which code: messages with a time of
    /// their own.
    static func refusal(of request: RemotingCommand) -> ResponseCode? {
        guard request.requestCode == .sendMessageV2, let text = request.fields["i"] else {
            return nil
        }
        return text.contains("TIMER_DEL") ? .systemError : nil
    }

    /// A route that was asked for while its broker was about to register it: ours may be there
    /// already. It must be the route that Java's NameServer has in the end.
    static func isEarly(
        _ request: RemotingCommand, theirs: RemotingCommand, ours: RemotingCommand
    ) -> Bool {
        request.requestCode == .getRouteinfoByTopic && theirs.responseCode == .topicNotExist
            && ours.responseCode == .success
    }
}
