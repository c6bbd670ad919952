// Where a message went: four words, which a caller is given in registers.
//
// A result of more words goes through memory, and whoever copies it there waits for stores of a
// moment ago: that was a quarter of an append of 128 bytes. So the address, which is the same for
// all messages of an open store, is a number in a table.

public import ApusFormat
import Synchronization

/// Where a message went.
public struct AppendResult: Hashable, Sendable {
    /// Where the record begins in the CommitLog.
    public let physicalOffset: Int64
    /// The message's number in its queue; 0 for a prepared or rolled-back half of a transaction.
    public let queueOffset: Int64
    /// When it was stored, milliseconds since 1970. Never smaller than that of an earlier record.
    public let storeTimestamp: Int64
    /// Bytes of the record, which are less than 2 GiB, and the status in the lowest bit.
    private let sizeAndStatus: UInt32
    private let host: StoreHostNumber

    @inline(__always)
    init(
        physicalOffset: Int64, queueOffset: Int64, storeTimestamp: Int64, byteCount: Int,
        storeHost: StoreHostNumber, status: AppendStatus
    ) {
        self.physicalOffset = physicalOffset
        self.queueOffset = queueOffset
        self.storeTimestamp = storeTimestamp
        sizeAndStatus = UInt32(truncatingIfNeeded: byteCount) &<< 1 | (status == .stored ? 0 : 1)
        host = storeHost
    }

    /// Bytes of the record.
    public var byteCount: Int { Int(sizeAndStatus >> 1) }
    public var status: AppendStatus { sizeAndStatus & 1 == 0 ? .stored : .flushTimedOut }
    /// The address that the record carries.
    public var storeHost: HostAddress { host.address }

    /// RocketMQ's offset message id.
    public var messageID: OffsetMessageID {
        OffsetMessageID(storeHost: storeHost, physicalOffset: physicalOffset)
    }

    /// Where the record ends in the CommitLog.
    public var physicalEnd: Int64 { physicalOffset + Int64(byteCount) }

    func withStatus(_ status: AppendStatus) -> AppendResult {
        AppendResult(
            physicalOffset: physicalOffset, queueOffset: queueOffset,
            storeTimestamp: storeTimestamp, byteCount: byteCount, storeHost: host, status: status)
    }
}

/// The number of an address in a table of this process, which holds each address once and for good.
struct StoreHostNumber: Hashable, Sendable {
    private let value: UInt32
    private static let known = Mutex<[HostAddress]>([])

    init(_ address: HostAddress) {
        value = Self.known.withLock { all in
            if let place = all.firstIndex(of: address) { return UInt32(place) }
            all.append(address)
            return UInt32(all.count - 1)
        }
    }

    var address: HostAddress { Self.known.withLock { $0[Int(value)] } }
}
