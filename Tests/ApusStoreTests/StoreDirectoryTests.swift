// Names and paths of a store.

@testable import ApusStore
import Testing

@Test("files are named by their first byte in twenty digits")
func fileNames() {
    #expect(StoreDirectory.fileName(65_536) == "00000000000000065536")
    #expect(StoreDirectory.offset(ofFileName: "00000000000000065536") == 65_536)
    for wrong in ["65536", "0000000000000006553x", "99999999999999999999", "-0000000000000065536"] {
        #expect(StoreDirectory.offset(ofFileName: wrong) == nil, "\(wrong)")
    }
}

@Test("a topic that could leave its directory, or is too long, is refused by name")
func topicNames() {
    let directory = StoreDirectory(root: "/store/")
    #expect((try? directory.queue(topic: "A", queueID: 3)) == "/store/consumequeue/A/3")
    for wrong in ["../../x", "a/b", ".", "a b", "t\u{0}", "é"] {
        #expect(throws: StoreError.self, "\(wrong)") {
            try directory.queue(topic: wrong, queueID: 0)
        }
    }
    #expect(throws: StoreError.emptyTopic) { try StoreDirectory.validate(topic: "") }
    #expect(throws: StoreError.invalidQueueID(-1)) { try directory.queue(topic: "A", queueID: -1) }
    let long = String(repeating: "t", count: 128)
    #expect(throws: StoreError.topicTooLong(byteCount: 128, limit: 127)) {
        try StoreDirectory.validate(topic: long)
    }
    #expect((try? StoreDirectory.validate(topic: "%RETRY%\(long)")) != nil)
}
