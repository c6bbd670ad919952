// What the properties of a send may ask for: to be the half of a transaction, or to be delivered at
// a time of its own, which this broker does not have. Such a send is refused; stored as a plain
// message it would be delivered at once.

import ApusFormat
import ApusRemoting

extension BrokerCore {
    /// Whether the message is the half of a transaction. Refuses what Java's broker would take for
    /// more than a plain or a delayed message, and this one does not have.
    func isHalf(
        _ properties: RawSpan, _ scan: PropertyScan, _ draft: borrowing MessageDraft
    ) throws(Refusal) -> Bool {
        let isMarked = draft.numbers.systemFlag.transaction != .none
        // What a scan does not see is too long to be stored.
        guard isMarked || scan.mayAsk else { return false }
        let wishes = SendWishes(properties)
        guard wishes.isHalf || wishes.isTimed || isMarked else { return false }
        // A message that waits by its level is not looked at for a time; nor is one that is sent
        // again to wait, which kept the mark of its transaction.
        let isDelayed = DelayedMessage.level(of: properties, table: delays) != nil
        let isHalf = wishes.isHalf && (!isDelayed || draft.numbers.reconsumeTimes <= 0)
        if isHalf {
            if configuration.transactions.isRefused { throw Refusal.noTransactions(configuration) }
            // Of a message that comes again nobody knows how it ends.
            if draft.topic.name.hasPrefix(WellKnownName.retryPrefix) { throw Refusal.noHalf }
            return true
        }
        // The store would keep it from every queue.
        if isMarked { throw Refusal.noHalf }
        if wishes.isTimed, !isDelayed {
            throw Refusal(
                .systemError,
                "accurate timer message is not enabled, timerWheelEnable is false")
        }
        return false
    }
}

extension Refusal {
    fileprivate static func noTransactions(_ configuration: BrokerConfiguration) -> Refusal {
        Refusal(
            .noPermission,
            "the broker[\(configuration.name)] sending transaction message is forbidden")
    }

    static let noHalf = Refusal(
        .noPermission, "a half of a transaction comes alone, with TRAN_MSG, and to a plain topic")
}

/// The properties of a send that ask for something.
private struct SendWishes {
    /// TRAN_MSG is true.
    private(set) var isHalf = false
    /// One of TIMER_DELIVER_MS, TIMER_DELAY_SEC and TIMER_DELAY_MS is there, and TIMER_OUT_MS,
    /// which a message has whose time is over, is not.
    var isTimed: Bool { hasTime && !isOver }
    private var hasTime = false
    private var isOver = false

    init(_ properties: RawSpan) {
        Properties.forEach(in: properties) { name, value in
            // All of them begin so, and few others of this length do.
            guard name.count >= PropertyName.transactionPrepared.utf8.count,
                properties.loadBigEndian(UInt8.self, at: name.lowerBound) == UInt8(ascii: "T")
            else { return }
            switch String(decodingUTF8: properties.extracting(name)) {
            case PropertyName.transactionPrepared:
                let text = String(decodingUTF8: properties.extracting(value))
                isHalf = text.lowercased() == "true"
            case PropertyName.timerDeliverTime, PropertyName.timerDelaySeconds,
                PropertyName.timerDelayMilliseconds:
                hasTime = true
            case PropertyName.timerOutTime: isOver = true
            default: break
            }
        }
    }
}
