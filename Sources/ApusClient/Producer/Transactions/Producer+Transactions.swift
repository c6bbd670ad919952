// Messages that are delivered only if something else went well: sent first and held back by the
// broker, then committed or rolled back.

internal import ApusFormat
internal import ApusRemoting
internal import Logging

extension Producer {
    /// Sends a message that the broker holds back, runs `body`, and tells the broker what it
    /// answers. When `body` throws, the message is rolled back and the error comes out; when the
    /// broker cannot be told, or the program ends before, the broker asks `checkingTransactions`.
    ///
    /// Give the producer a group of its own: any of its members may be asked.
    @discardableResult
    public func sendTransaction(
        _ message: Message, _ body: @Sendable (SendReceipt) async throws -> TransactionEnd
    ) async throws -> SendReceipt {
        let attempt = "sending a transaction's message to \(message.topic)"
        try checkIsOpen(attempt)
        guard message.delayLevel == 0 else {
            throw ClientError(
                .invalidMessage, attempt, "a message of a transaction cannot be delayed")
        }
        let half = try prepare(
            tracing?.mark(message) ?? message, attempt,
            [
                Property(name: PropertyName.transactionPrepared, value: "true"),
                Property(name: PropertyName.producerGroup, value: configuration.group),
            ], systemFlag: SystemFlag(rawValue: SystemFlag.Transaction.prepared.rawValue))
        let receipt = try await deliver(half, .inTurn)
        guard receipt.status == .stored, let place = receipt.place else {
            // Not safe enough to build on.
            await tell(.rollback, receipt)
            throw ClientError(
                .badAnswer, attempt, "stored, but not as safely as a transaction needs it")
        }
        let end: TransactionEnd
        do { end = try await body(receipt) } catch {
            await tell(.rollback, receipt, at: place)
            throw error
        }
        await tell(end, receipt, at: place)
        return receipt
    }

    /// Failing costs time and not the end: the broker asks.
    private func tell(
        _ end: TransactionEnd, _ receipt: SendReceipt, at place: OffsetMessageID? = nil
    ) async {
        guard let place = place ?? receipt.place, end != .unknown,
            let address = core.routes.groups[receipt.queue.broker]?.master
        else { return }
        let command = RemotingCommand.request(
            .endTransaction,
            fields: [
                "bname": receipt.queue.broker, "topic": receipt.queue.topic,
                "commitLogOffset": "\(place.physicalOffset)",
                "commitOrRollback": "\(end.code.rawValue)", "fromTransactionCheck": "false",
                "msgId": receipt.id, "producerGroup": configuration.group,
                "tranStateTableOffset": "\(receipt.queueOffset)", "transactionId": receipt.id,
            ])
        do throws(ClientError) {
            _ = try await core.demand(command, on: address, "ending transaction \(receipt.id)")
            observer?.transactionEnded(
                receipt, commits: end == .commit, at: wallMilliseconds, on: address)
        } catch {
            core.logger.warning(
                "the broker was not told how a transaction ended, and will ask",
                metadata: ["end": "\(end)", "reason": "\(error)"])
        }
    }

    /// Answers brokers that ask how transactions ended, until the task is cancelled.
    func answerTransactionChecks() async {
        await withDiscardingTaskGroup { tasks in
            while !Task.isCancelled {
                for request in checks.takeAll() {
                    tasks.addTask { await self.answer(request) }
                }
                await checks.bell.wait()
            }
        }
    }

    private func answer(_ request: BrokerRequest) async {
        let command = request.command
        let contents = PulledRecords.read(
            command.body, broker: "", bodyLimit: configuration.client.maximumFrameBytes)
        guard let message = contents.messages.first?.opened() else {
            core.logger.warning(
                "a broker asks about a transaction whose message cannot be read",
                metadata: ["reason": "\(contents.damage ?? "no message")"])
            return
        }
        let end: TransactionEnd
        do { end = try await checks.end(of: message) } catch {
            core.logger.warning(
                "how a transaction ended is not known: the check failed",
                metadata: ["message": "\(message.id)", "error": "\(error)"])
            end = .unknown
        }
        var fields = command.fields
        for name in ["offsetMsgId", "bornHost", "storeHost"] { fields[name] = nil }
        fields["producerGroup"] = message.property(PropertyName.producerGroup)
        fields["commitOrRollback"] = "\(end.code.rawValue)"
        fields["fromTransactionCheck"] = "true"
        var reply = RemotingCommand.request(.endTransaction, fields: fields)
        reply.isOneWay = true
        request.connection.send(core.remoting.signed(reply))
    }
}
