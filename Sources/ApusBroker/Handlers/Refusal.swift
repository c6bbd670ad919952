// Why a request is not carried out, as the client is told.

import ApusRemoting
import ApusStore

/// An answer other than success: a code that clients act on, and words for people.
struct Refusal: Error, Hashable, Sendable {
    let code: ResponseCode
    let remark: String

    init(_ code: ResponseCode, _ remark: String) {
        self.code = code
        self.remark = remark
    }

    /// A field that is missing or malformed.
    init(_ error: HeaderError) { self.init(.systemError, error.description) }

    /// What a change of topics, groups or offsets was refused for.
    init(_ error: StateError) {
        switch error {
        case .unknownTopic: self.init(.topicNotExist, error.description)
        case .unknownGroup: self.init(.subscriptionGroupNotExist, error.description)
        default: self.init(.systemError, error.description)
        }
    }

    /// What the store refused. Clients try again elsewhere on `systemBusy` and
    /// `serviceNotAvailable`, and never on `messageIllegal`.
    init(_ error: StoreError) {
        let code: ResponseCode
        switch error {
        case .emptyTopic, .invalidTopic, .topicTooLong, .invalidQueueID, .propertiesTooLong,
            .bodyTooLarge, .recordTooLarge, .emptyBatch, .batchTooLarge, .batchTooLong, .mixedBatch,
            .innerBatch, .malformedBatch, .invalidProperty, .unsupportedQueueType:
            code = .messageIllegal
        case .diskFull, .readOnlyDirectory, .limitTooLow, .limitReached, .closed, .poisoned,
            .mappingFailed:
            code = .serviceNotAvailable
        default: code = .systemError
        }
        self.init(code, "\(error)")
    }
}

extension Refusal {
    /// Runs what reads fields, and refuses what it lacks.
    static func fields<Value>(_ body: () throws(HeaderError) -> Value) throws(Refusal) -> Value {
        do throws(HeaderError) { return try body() } catch { throw Refusal(error) }
    }

    static func store<Value>(_ body: () throws(StoreError) -> Value) throws(Refusal) -> Value {
        do throws(StoreError) { return try body() } catch { throw Refusal(error) }
    }

    static func state<Value>(_ body: () throws(StateError) -> Value) throws(Refusal) -> Value {
        do throws(StateError) { return try body() } catch { throw Refusal(error) }
    }
}

extension Refusal {
    /// The body of a request as JSON.
    static func json(_ body: RawSpan) throws(Refusal) -> JSON {
        do throws(JSONError) { return try JSON(parsing: body) } catch {
            throw Refusal(.systemError, "the body is not JSON: \(error)")
        }
    }
}
