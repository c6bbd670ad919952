// What follows from the answer to a pull: a decision without network.

internal import ApusFormat
internal import ApusRemoting

/// An answer to a pull, as far as it matters.
struct PullAnswer: Sendable {
    var code: ResponseCode
    var remark: String?
    var nextOffset: Int64?
    var minimum: Int64?
    var maximum: Int64?
    /// Where the broker would have the next pull go: 0 is the master.
    var suggestedBroker: Int64?
    var body: [UInt8]

    init(
        _ code: ResponseCode, remark: String? = nil, nextOffset: Int64? = nil,
        minimum: Int64? = nil, maximum: Int64? = nil, suggestedBroker: Int64? = nil,
        body: [UInt8] = []
    ) {
        self.code = code
        self.remark = remark
        self.nextOffset = nextOffset
        self.minimum = minimum
        self.maximum = maximum
        self.suggestedBroker = suggestedBroker
        self.body = body
    }

    init(_ answer: borrowing Request) {
        code = ResponseCode(answer.code.rawValue)
        remark = code == .success ? nil : answer.remark
        nextOffset = try? answer.int64("nextBeginOffset")
        minimum = try? answer.int64("minOffset")
        maximum = try? answer.int64("maxOffset")
        suggestedBroker = try? answer.int64("suggestWhichBrokerId")
        body = [UInt8](answer.body)
    }
}

/// What a reader does next.
enum PullStep: Equatable {
    /// There are messages; the next pull begins at this offset.
    case take(next: Int64)
    /// Nothing is there: pull again, from this offset on.
    case goOn(Int64)
    /// The offset is none of the queue's: begin at this one.
    case move(to: Int64)
    /// The broker does not know the subscription: tell it, and pull again in a moment.
    case introduce
    /// Something is wrong that may pass: pull again later.
    case wait(reason: String)

    init(_ answer: PullAnswer, at offset: Int64) {
        switch answer.code {
        case .success:
            guard let next = answer.nextOffset, next > offset, next < .max else {
                self = .wait(reason: "an answer whose messages end where they began")
                return
            }
            self = .take(next: next)
        case .pullNotFound, .pullRetryImmediately:
            self = .goOn(max(offset, answer.nextOffset ?? offset))
        case .pullOffsetMoved:
            guard let next = answer.nextOffset, next >= 0, next != offset else {
                self = .goOn(offset)
                return
            }
            self = .move(to: next)
        case .subscriptionNotExist, .subscriptionNotLatest:
            self = .introduce
        default:
            self = .wait(
                reason: ClientError(refusal: answer.code, remark: answer.remark, "a pull").reason)
        }
    }
}
