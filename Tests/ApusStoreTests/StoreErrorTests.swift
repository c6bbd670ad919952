// What errors say to whoever reads them.

import ApusFormat
import ApusSystem
import Testing

@testable import ApusStore

private let disk = DiskError(operation: "sync", path: "/store/commitlog/0", code: 5)
private let range = DamagedRange(
    start: 10, end: 20, reason: .bodyChecksumMismatch, validRecordsBehind: 3)

private let samples: [StoreError] = [
    .emptyTopic, .invalidTopic(name: "a/b", reason: "no slashes"),
    .topicTooLong(byteCount: 128, limit: 127), .invalidQueueID(-1),
    .propertiesTooLong(byteCount: 40_000, limit: 32_767), .bodyTooLarge(byteCount: 9, limit: 8),
    .recordTooLarge(byteCount: 9, limit: 8), .emptyBatch, .batchTooLarge(byteCount: 9, limit: 8),
    .batchTooLong(count: 9, limit: 8), .mixedBatch(reason: "their attributes differ"),
    .unsupportedQueueType(topic: "A"), .innerBatch, .malformedBatch(.lengthsDisagree(at: 7)),
    .malformedBatch(.truncated(at: 7)), .malformedBatch(.sizeOutOfBounds(at: 7, -1)),
    .invalidProperty(name: "A"), .compressionFailed(.outOfMemory(.zstd)),
    .invalidConfiguration(key: "deleteWhen", reason: "[25] are not hours of a day"),
    .unknownDirectoryLayout(path: "/store", reason: "it is a file"),
    .wrongFileLength(path: "/store", found: 1, expected: 2),
    .fileSizeDiffers(path: "/store", found: 1, configured: 2, key: "mappedFileSizeCommitLog"),
    .locked(path: "/store/lock"), .damagedLog(range),
    .damagedRecord(physicalOffset: 10, damage: .bodyChecksumMismatch),
    .noRecord(physicalOffset: 10), .undecodableBody(physicalOffset: 10, cause: .malformed(.lz4)),
    .damagedQueue(topic: "A", queueID: 0, queueOffset: 1), .diskFull(path: "/store"),
    .readOnlyDirectory(path: "/store"),
    .limitTooLow(LimitForecast(resource: .descriptors, needed: 900, inUse: 200, limit: 1024)),
    .limitTooLow(LimitForecast(resource: .mappings, needed: 900, inUse: 200, limit: 1024)),
    .limitReached(DiskError(operation: "open", path: "/store", code: 24)), .file(disk),
    .mappingFailed(disk),
    .unknownQueue(topic: "A", queueID: 0),
    .offsetOutOfRange(requested: 9, minimum: 0, maximum: 8),
    .physicalOffsetOutOfRange(requested: 9, minimum: 0, maximum: 8), .closed,
    .poisoned(cause: disk),
]

@Test("every error speaks in sentences, not in names of the source", arguments: samples)
func errorText(error: StoreError) {
    let text = error.description
    #expect(text.count > 20)
    #expect(!text.contains("  ") && !text.hasSuffix(".") && !text.hasSuffix(" "))
    // Names of cases, as `"\(value)"` would print them.
    for name in ["Mismatch", "Disagree", "OutOfBounds", "truncated(", "malformed(", "nil"] {
        #expect(!text.contains(name))
    }
}
