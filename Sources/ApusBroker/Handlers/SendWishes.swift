// What the properties of a send may ask for that this broker does not have: to be the half of a
// transaction, or to be delivered at a time of its own. Such a send is refused; stored as a plain
// message it would be delivered at once.

import ApusFormat
import ApusRemoting

extension BrokerCore {
    /// Refuses what Java's broker would take for more than a plain or a delayed message.
    func checkWishes(
        _ properties: RawSpan, reconsumeTimes: Int32
    ) throws(Refusal) {
        let wishes = SendWishes(properties)
        guard wishes.isHalf || wishes.isTimed else { return }
        // A message that waits by its level is not looked at for a time; nor is one that is sent
        // again to wait, which kept the mark of its transaction.
        let isDelayed = DelayedMessage.level(of: properties, table: delays) != nil
        if wishes.isHalf, !isDelayed || reconsumeTimes <= 0 { throw Refusal.noTransactions }
        if wishes.isTimed, !isDelayed {
            throw Refusal(
                .systemError,
                "accurate timer message is not enabled, timerWheelEnable is false")
        }
    }
}

extension Refusal {
    static let noTransactions = Refusal(
        .noPermission, "this broker takes no transaction messages: send plain ones")
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
        MessageProperties.forEach(in: properties) { name, value in
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
