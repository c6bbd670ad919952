// The way of nearly every send: one message with an id and without special wishes, to the topic
// that its connection sent to before, with ASYNC_FLUSH. From header to answer nothing is looked up,
// locked or allocated that need not be. Whatever is not like that goes the general way, from its
// beginning.

import ApusFormat
import ApusRemoting
import ApusStore
import Synchronization

extension BrokerCore {
    /// Carries out a send that is as those before; false when it is not, and nothing was done.
    func sendAsBefore(
        _ request: borrowing Request, on connection: Connection, _ memo: inout AnyObject?
    ) -> Bool {
        // Moved out and back, so that it is not counted.
        guard let object = memo.take() else { return false }
        // Safe: nothing else is ever kept for a connection, and `object` holds it.
        let kept = unsafe Unmanaged.passUnretained(unsafeDowncast(object, to: SendMemo.self))
        let isDone = unsafe kept._withUnsafeGuaranteedRef { kept in
            SendFieldNames.withNames(for: request.code) { names in
                send(request, names, kept, on: connection)
            }
        }
        memo = object
        return isDone
    }

    private func send(
        _ request: borrowing Request, _ names: SendFieldNames, _ memo: SendMemo,
        on connection: Connection
    ) -> Bool {
        guard let topic = request.bytes(names.topic),
            memo.fits(topic, generation: state.topics.generation.load(ordering: .acquiring)),
            let numbers = try? SendNumbers(request, names), !numbers.isBatch,
            numbers.systemFlag.transaction == .none
        else { return false }
        let given = request.bytes(names.properties).orEmpty
        let scan = PropertyScan(given)
        guard scan.isTerminated, !scan.uniqueKey.isEmpty, scan.delay.isEmpty, !scan.mayAsk,
            given.byteCount <= Self.propertyLimit
        else { return false }
        let key = request.replyKey
        let body = request.body
        return memo.withQueue(numbers.queueID) { queue in
            let attributes = numbers.attributes(
                isMultiTag: memo.isMultiTag, connection.remoteAddress)
            do throws(StoreError) {
                let result = try withWhole(given, memo.suffix) { (properties) throws(StoreError) in
                    try store.appendWithoutWaiting(
                        to: queue, body: body, properties: properties, attributes: attributes)
                }
                statistics.sent(messages: 1, bytes: body.byteCount)
                memo.count()
                if key.isOneWay { return }
                connection.answer(
                    key, sent: result, queueID: numbers.queueID,
                    uniqueID: given.extracting(scan.uniqueKey), self)
            } catch {
                connection.refuse(key, Refusal(error))
            }
        }
    }

    /// Longer ones would not go onto the stack.
    private static let propertyLimit = 768

    /// Gives `body` the properties as a record has them: those given, which end with a separator,
    /// and the broker's own.
    @inline(__always)
    private func withWhole<Result>(
        _ given: RawSpan, _ suffix: RawSpan, _ body: (RawSpan) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        let count = given.byteCount + suffix.byteCount
        // Safe: the memory is used within the call, and all of it is written before it is read.
        return try unsafe withUnsafeTemporaryAllocation(byteCount: count, alignment: 1) {
            (memory) throws(StoreError) in
            var span = unsafe MutableRawSpan(_unsafeBytes: memory)
            span.copy(given, at: 0)
            span.copy(suffix, at: given.byteCount)
            return try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(memory)))
        }
    }

    /// Keeps what the next sends of a connection need, after one that went the general way.
    func note(_ topic: Topic, generation: Int, in memo: inout AnyObject?) {
        // The order of the checks is that of the general way, which refuses or does more.
        guard !isSync, !topic.isClosedToSends, !topic.isRetry, isOpen(topic) else { return }
        if let kept = memo as? SendMemo, !kept.isOver(after: topic, generation: generation) {
            return
        }
        memo = SendMemo(topic, generation: generation, suffix: propertySuffix)
    }
}
