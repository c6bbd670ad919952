// A consumer that could not send a message back (36) sends it anew, to its group's retry topic:
// after too many deliveries, or from a group that consumes in order, it goes to the dead letters.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    /// Runs as an errand: a dead-letter topic may have to be made.
    func storeRetry(
        _ draft: MessageDraft, body: [UInt8], properties: [UInt8], version: Int32,
        on connection: Connection
    ) throws(Refusal) {
        let name = String(draft.topic.name.dropFirst(WellKnownName.retryPrefix.count))
        let group = try knownGroup(name)
        var most = group.settings.maximumRetries
        if version >= Self.versionWithMaximum, let asked = draft.numbers.maximumReconsumes {
            most = asked
        }
        let isOrderly = locks.withLock { $0.isAnyHeld(group: name, now: now) }
        guard draft.numbers.reconsumeTimes > most || isOrderly else {
            return try store(
                draft, body: body.rawSpan, given: properties.rawSpan, on: connection)
        }
        var dead = draft
        dead.topic = try deadLetterTopic(of: name)
        dead.queueID = 0
        // Without its delay, or it would wait once more.
        let kept = PropertyEdit.removing([PropertyName.delayLevel], from: properties.rawSpan)
        try store(dead, body: body.rawSpan, given: kept.rawSpan, on: connection)
    }

    /// From this version on (3.4.9), clients say after how many deliveries they give up.
    static let versionWithMaximum: Int32 = 121

    func deadLetterTopic(of group: String) throws(Refusal) -> Topic {
        try Refusal.state { () throws(StateError) in
            try state.topics.createIfAbsent(
                TopicSettings(WellKnownName.deadLetterTopic(of: group), queues: 1))
        }
    }

    /// The group, made when it may be. Waits for the disk then: only in errands.
    func knownGroup(_ name: String) throws(Refusal) -> Group {
        if let group = state.groups.group(name) { return group }
        let made = try Refusal.state { () throws(StateError) in
            try state.groups.createOnUse(name)
        }
        if let made { return made }
        throw Refusal(.subscriptionGroupNotExist, "subscription group not exist, \(name)")
    }
}
