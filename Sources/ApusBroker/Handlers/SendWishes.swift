// What the properties of a send may ask for: to be the half of a transaction, or to be delivered at
// a time of its own, which this broker does not have. Such a send is refused; stored as a plain
// message it would be delivered at once.

import ApusFormat
import ApusRemoting

extension BrokerCore {
    /// Whether the message is the half of a transaction. Refuses what Java's broker would take for
    /// more than a plain or a delayed message, and this one does not have.
    func isHalf(_ properties: RawSpan, _ draft: MessageDraft) throws(Refusal) -> Bool {
        let isMarked = draft.numbers.systemFlag.transaction != .none
        guard isMarked || SendWishes.mayBe(in: properties) else { return false }
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

    /// False where no name begins with TR or TI, as in most messages: one look at each item.
    static func mayBe(in properties: RawSpan) -> Bool {
        var place = 0
        while place &+ 2 <= properties.byteCount {
            let start = properties.loadBigEndian(UInt16.self, at: place)
            if start == 0x5452 || start == 0x5449 { return true }
            place = itemEnd(from: place, in: properties) &+ 1
        }
        return false
    }

    /// Where the next 02 stands, or the end.
    private static func itemEnd(from start: Int, in properties: RawSpan) -> Int {
        let end = properties.byteCount
        var place = start
        while place &+ 8 <= end {
            let word = properties.loadBigEndian(UInt64.self, at: place) ^ 0x0202_0202_0202_0202
            let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
            // A bit for each byte that was 02.
            let ends = ~(((word & low) &+ low) | word | low)
            if ends != 0 { return place &+ ends.leadingZeroBitCount >> 3 }
            place &+= 8
        }
        while place < end, properties.loadBigEndian(UInt8.self, at: place) != 2 { place &+= 1 }
        return place
    }

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
