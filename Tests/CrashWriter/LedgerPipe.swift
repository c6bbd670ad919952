// Where ledger records go: a pipe that a runner reads, or the ledger itself.

import ApusStore
import ApusSystem
import Glibc

/// A descriptor to write records to. One call, one `write`: records of threads never mix.
final class LedgerPipe: Sendable {
    private let descriptor: Int32
    /// The recorder's counter; -1 without one.
    private let counter: Int32
    private let seed: UInt64

    init(descriptor: Int32, stampPath: String? = nil, seed: UInt64) throws(Unusable) {
        self.descriptor = descriptor
        self.seed = seed
        counter = stampPath.map { open($0, O_RDONLY | O_CLOEXEC) } ?? -1
        if stampPath != nil, counter < 0 { throw Unusable("cannot open the counter") }
    }

    /// The ledger file, to add to.
    convenience init(appendingTo path: String, seed: UInt64) throws(Unusable) {
        let descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw Unusable("cannot open \(path)") }
        try self.init(descriptor: descriptor, seed: seed)
    }

    /// How many events the recorder has taken in by now.
    private var stamp: UInt64 {
        guard counter >= 0 else { return 0 }
        var count: UInt64 = 0
        let got = pread(counter, &count, 8, 0)
        return got == 8 ? count : 0
    }

    /// Writes records with the present stamp. Ends the process when nobody reads them.
    func write(_ records: [LedgerRecord]) {
        let stamp = stamp
        var words: [UInt64] = []
        words.reserveCapacity(records.count * LedgerRecord.wordCount)
        for var record in records {
            record.stamp = stamp
            record.seed = seed
            record.append(to: &words)
        }
        let done = words.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            var done = 0
            while done < bytes.count {
                let count = Glibc.write(descriptor, start + done, bytes.count - done)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return false }
                done += count
            }
            return true
        }
        if !done { _exit(4) }
    }

    func write(_ record: LedgerRecord) { write([record]) }

    func submitted(_ sequences: Range<UInt64>) {
        write(sequences.map { LedgerRecord(.submitted, sequence: $0) })
    }

    /// What an append answered.
    func acknowledged(_ message: Message, _ sequence: UInt64, _ result: AppendResult) {
        var record = LedgerRecord(.acknowledged, sequence: sequence)
        record.queueOffset = result.queueOffset
        record.physicalOffset = result.physicalOffset
        record.bodyChecksum = checksum(message.body)
        write(record)
    }

    /// A message that a reader was given.
    func seen(_ message: StoredMessage, _ sequence: UInt64) {
        var record = LedgerRecord(.acknowledged, sequence: sequence)
        record.queueOffset = message.queueOffset
        record.physicalOffset = message.physicalOffset
        record.bodyChecksum = checksum(message.body)
        write(record)
    }

    func failed(_ error: StoreError) {
        var record = LedgerRecord(.refused)
        if case .poisoned(let cause) = error {
            record.kind = .poisoned
            record.extra = UInt64(UInt32(bitPattern: cause.code))
        }
        write(record)
    }
}
