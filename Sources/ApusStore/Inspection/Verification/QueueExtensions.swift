// ConsumeQueueExt files: what an entry's tags code stands for when it is an address.
//
//     0      2           10           18      20
//     +------+-----------+------------+-------+- - - - -+
//     | size | tags code | store time | bytes | bit map |
//     +------+-----------+------------+-------+- - - - -+

private import ApusFormat
import ApusSystem

/// Reads the extensions of ConsumeQueue entries. Keeps the file that was read last open.
final class QueueExtensions {
    private static let headByteCount = 20

    private let disk: any Disk
    private let folders: [String: FoundQueue]
    private var window: (path: String, bytes: FileWindow)?

    init(_ disk: any Disk, _ files: StoreFiles) {
        self.disk = disk
        folders = Dictionary(
            files.extensions.map { ("\($0.topic)/\($0.queueID)", $0) }, uniquingKeysWith: { $1 })
    }

    /// Whether the extension at `address` is there and is that of a message with this tags code and
    /// this store time.
    func holds(
        _ address: Int64, topic: String, queueID: Int32, tagsCode: Int64, storeTimestamp: Int64
    ) -> Bool {
        // An address is the place in the files, counted from the smallest number.
        let place = address &- .min
        guard let folder = folders["\(topic)/\(queueID)"],
            let file = folder.files.last(where: { $0.first <= place }),
            place &+ Int64(Self.headByteCount) <= file.end
        else { return false }
        do throws(DiskError) {
            if window?.path != file.path {
                window = (
                    file.path, try FileWindow(disk, path: file.path, windowByteCount: 16 << 10)
                )
            }
            return try window?.bytes.withBytes(
                at: Int(place - file.first), count: Self.headByteCount
            ) { bytes in
                bytes.byteCount == Self.headByteCount
                    && bytes.loadBigEndian(Int16.self, at: 0) >= Int16(Self.headByteCount)
                    && bytes.loadBigEndian(Int64.self, at: 2) == tagsCode
                    && bytes.loadBigEndian(Int64.self, at: 10) == storeTimestamp
            } ?? false
        } catch {
            window = nil
            return false
        }
    }
}
