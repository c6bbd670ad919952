// One thing that a verification found, in words: what it is, where, and what it means for
// consumers.

/// A finding.
package struct Finding: Hashable, Sendable {
    /// How bad it is.
    package enum Severity: String, CaseIterable, Sendable {
        /// Messages are lost or cannot be read.
        case damage
        /// Files disagree in a way that loses no message. They can be made again from the log.
        case inconsistency
        /// To be known: what a killed process leaves, what retention removed, files of others.
        case note
    }

    /// Where it is. Whatever does not apply is nil.
    package struct Place: Hashable, Sendable {
        /// Below the root.
        package var path: String?
        /// Byte of that file.
        package var fileOffset: Int64?
        package var physicalOffset: Int64?
        /// Physical offset behind the last byte concerned.
        package var physicalEnd: Int64?
        package var topic: String?
        package var queueID: Int32?
        package var queueOffset: Int64?

        package init(
            path: String? = nil, fileOffset: Int64? = nil, physicalOffset: Int64? = nil,
            physicalEnd: Int64? = nil, topic: String? = nil, queueID: Int32? = nil,
            queueOffset: Int64? = nil
        ) {
            self.path = path
            self.fileOffset = fileOffset
            self.physicalOffset = physicalOffset
            self.physicalEnd = physicalEnd
            self.topic = topic
            self.queueID = queueID
            self.queueOffset = queueOffset
        }
    }

    package let severity: Severity
    package let kind: FindingKind
    package internal(set) var place: Place
    /// How many bytes, entries or messages are concerned: see `what`.
    package let count: Int64
    /// What was found, as a sentence.
    package let what: String
    /// What it means for those who read messages, as a sentence.
    package let consumers: String

    package init(
        _ severity: Severity, _ kind: FindingKind, at place: Place = Place(), count: Int64 = 1,
        _ what: String, consumers: String
    ) {
        self.severity = severity
        self.kind = kind
        self.place = place
        self.count = count
        self.what = what
        self.consumers = consumers
    }
}

/// What kind of thing was found. The raw values are part of what tools print: they do not change.
package enum FindingKind: String, CaseIterable, Sendable {
    // The log.
    case damagedRecord = "damaged-record"
    case zerosInLog = "zeros-in-log"
    case missingSegment = "missing-segment"
    case overlappingSegments = "overlapping-segments"
    case segmentLength = "segment-length"
    case unreadable
    case endOfLog = "end-of-log"
    case remains
    case queueOffsetGap = "queue-offset-gap"
    case queueOffsetRepeated = "queue-offset-repeated"
    case queueRestarted = "queue-restarted"
    case recordDisagrees = "record-disagrees"
    // ConsumeQueues, of both kinds.
    case queueMissing = "queue-missing"
    case queueFile = "queue-file"
    case entryMissing = "entry-missing"
    case entryOffset = "entry-offset"
    case entrySize = "entry-size"
    case entryTags = "entry-tags"
    case entryBatch = "entry-batch"
    case entryExtension = "entry-extension"
    case entryBeyondLog = "entry-beyond-log"
    case entryWithoutRecord = "entry-without-record"
    case delayLevels = "delay-levels"
    // The index.
    case indexFile = "index-file"
    case indexHeader = "index-header"
    case indexSlot = "index-slot"
    case indexChain = "index-chain"
    case indexHash = "index-hash"
    case indexTime = "index-time"
    case indexEntry = "index-entry"
    case indexKeyMissing = "index-key-missing"
    case indexIncomplete = "index-incomplete"
    // The rest.
    case checkpoint
    case checkpointAhead = "checkpoint-ahead"
    case durableMark = "durable-mark"
    case repairUnfinished = "repair-unfinished"
    case notCleanlyShutDown = "not-cleanly-shut-down"
    case stray
}
