// The text of the file `abort`, which is there while a store is open and after it was killed.
//
// RocketMQ writes its process id and reads only whether the file is there. Ours goes on with a line
// that says that it was us, and which opening of the store: `1234\napus 7\n`.

/// The contents of `abort`.
public enum AbortMarker: Sendable {
    private static var name: [UInt8] { Array("apus ".utf8) }

    /// The text for an open store. `epoch` is that of its durable marks.
    public static func text(processID: Int32, epoch: Int64) -> [UInt8] {
        Array("\(processID)\napus \(epoch)\n".utf8)
    }

    /// The epoch in the text; nil when a Java broker wrote it, or when it is not the whole text
    /// that one of our stores writes.
    public static func epoch(in bytes: RawSpan) -> Int64? {
        // Longer than any process id, name and epoch.
        guard bytes.byteCount <= 64 else { return nil }
        let text = [UInt8](bytes)
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.count == 3, lines[2].isEmpty, lines[1].starts(with: name),
            let processID = Int32(String(decoding: lines[0], as: UTF8.self)),
            let epoch = Int64(String(decoding: lines[1].dropFirst(name.count), as: UTF8.self)),
            text == self.text(processID: processID, epoch: epoch)
        else { return nil }
        return epoch
    }
}
