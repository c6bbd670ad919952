// Entries of queues that no record of the log accounts for.

private import ApusFormat

/// An entry whose record was not met in its queue.
struct LeftoverEntry {
    let topic: String
    let queueID: Int32
    let number: Int64
    let physicalOffset: Int64
    let size: Int32
    var isBatch = false
}

/// Neighbouring entries without a record, for the same reason.
struct LeftoverRun {
    enum Reason: Hashable {
        /// They point behind the last record.
        case beyondLog
        /// They point to where no record starts.
        case noRecord
        /// They point to a record that is another message.
        case otherMessage
        /// They are no entries: negative numbers, or a size of zero.
        case notAnEntry
    }

    let reason: Reason
    let topic: String
    let queueID: Int32
    let first: Int64
    var end: Int64
    let physicalOffset: Int64
    /// Where the record behind the last entry would end.
    var physicalEnd: Int64
    /// What stands there instead, in words.
    let instead: String
    let isBatch: Bool

    var count: Int64 { end - first }
    var name: String { "\(topic)/\(queueID)" }
    var place: Finding.Place {
        Finding.Place(
            physicalOffset: physicalOffset, topic: topic, queueID: queueID, queueOffset: first)
    }

    /// `entry 5` or `entries 5 to 9`.
    var entriesInWords: String {
        count == 1 ? "Entry \(first)" : "Entries \(first) to \(end - 1)"
    }
    var verb: String { count == 1 ? "points" : "point" }
}

extension VerificationContext {
    /// Runs that are kept.
    private static let leftoverLimit = 10_000

    /// Finds out what stands where the entry points, and notes it.
    func add(_ entry: LeftoverEntry) {
        if entry.physicalOffset < 0 || entry.size <= 0 {
            return note(entry, .notAnEntry, "")
        }
        if entry.physicalOffset >= logEnd { return note(entry, .beyondLog, "") }
        var instead = ""
        let outcome = lookup.lookUp(entry.physicalOffset) { record in
            instead =
                "message \(record.queueOffset) of \(record.topicName)/\(record.queueID)"
        }
        switch outcome {
        case .record: note(entry, .otherMessage, instead)
        case .beforeLog: break
        case .behindLog: note(entry, .beyondLog, "")
        case .missingFile, .noRecord, .unreadable: note(entry, .noRecord, "")
        }
    }

    private func note(_ entry: LeftoverEntry, _ reason: LeftoverRun.Reason, _ instead: String) {
        // What a kill left behind the end of the log, the next open takes away.
        if isClean || reason != .beyondLog {
            let name = QueueName(topic: entry.topic, id: entry.queueID)
            if entry.isBatch {
                derived.batchQueues.insert(name)
            } else {
                derived.queues.insert(name)
            }
        }
        if reason == .beyondLog {
            LostMessages.note(
                LostMessages(
                    topic: entry.topic, queueID: entry.queueID,
                    offsets: entry.number..<entry.number &+ 1), in: &lostBeyondLog)
        }
        let end = entry.physicalOffset &+ Int64(max(0, entry.size))
        if let last = leftovers.last, last.reason == reason, last.end == entry.number,
            last.queueID == entry.queueID, last.topic == entry.topic, reason != .otherMessage
        {
            leftovers[leftovers.count - 1].end += 1
            leftovers[leftovers.count - 1].physicalEnd = max(last.physicalEnd, end)
        } else if leftovers.count < Self.leftoverLimit {
            leftovers.append(
                LeftoverRun(
                    reason: reason, topic: entry.topic, queueID: entry.queueID,
                    first: entry.number, end: entry.number &+ 1,
                    physicalOffset: entry.physicalOffset, physicalEnd: end, instead: instead,
                    isBatch: entry.isBatch))
        } else {
            omittedLeftovers += 1
        }
    }
}
