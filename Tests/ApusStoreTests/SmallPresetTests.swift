// The preset with small files.

import ApusSystem
import TestSupport
import Testing

@testable import ApusStore

/// Bytes that everything under a directory takes on the device.
private func allocated(_ path: String) throws -> Int {
    let disk = SystemDisk()
    return try disk.list(path).reduce(0) { sum, entry in
        let inner = "\(path)/\(entry.name)"
        if entry.isDirectory { return sum + (try allocated(inner)) }
        return sum + (try disk.status(inner)?.allocatedByteCount ?? 0)
    }
}

@Test("a first message in a store of small files takes no more than 32 MiB of the device")
func smallPreset() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(directory.path, .small)
    try store.append(Message(topic: "T", body: Array("first".utf8), keys: ["key"]))
    try store.flush()
    let open = try allocated(directory.path)
    #expect(open <= 32 << 20 && open >= 8 << 20, "\(open) bytes")
    try store.close()
    let closed = try allocated(directory.path)
    #expect(closed <= 32 << 20, "\(closed) bytes")
}
