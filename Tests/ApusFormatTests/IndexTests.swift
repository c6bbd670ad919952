// The index: RocketMQ's bytes and sizes, and the golden stores' answers.

import ApusFormat
import Testing

@Test("a header, an entry and their places are those of RocketMQ's IndexFile")
func indexLayout() {
    #expect(IndexLayout.byteCount(slotCount: 5_000_000, entryCapacity: 20_000_000) == 420_000_040)
    #expect(IndexLayout.slotOffset(1_969_516) == 0x0078_35D8)
    #expect(IndexLayout.entryOffset(1, slotCount: 5_000_000) == 0x0131_2D3C)
    #expect(IndexLayout.entryOffset(.max, slotCount: .max) == 40 + 24 * Int(Int32.max))

    let header = IndexHeader(
        beginTimestamp: 1_700_000_000_001, endTimestamp: 1_700_000_000_002,
        beginPhysicalOffset: 4096, endPhysicalOffset: 4097, slotsInUse: 1, nextEntry: 2)
    let headerBytes = bytes(
        hex: """
            0000018bcfe568010000018bcfe5680200000000000010000000000000001001
            0000000100000002
            """)
    #expect(stored(40) { header.store(into: &$0) } == headerBytes)
    #expect(IndexHeader(loadingFrom: headerBytes.rawSpan) == header)
    #expect(IndexHeader().nextEntry == 1)

    let entry = IndexEntry(hash: 1_656_969_516, physicalOffset: 4096, seconds: 3, previous: 9)
    let entryBytes = bytes(hex: "62c3592c00000000000010000000000300000009")
    #expect(stored(23) { entry.store(into: &$0, at: 3) } == [0, 0, 0] + entryBytes)
    #expect(IndexEntry(loadingFrom: entryBytes.rawSpan, at: 0) == entry)
}

@Test("the name of an IndexFile is seventeen digits, a time and a number")
func indexFileNames() {
    let name = IndexFileName.name(
        year: 2025, month: 9, day: 19, hour: 12, minute: 0, second: 0, millisecond: 123)
    #expect(name == "20250919120000123")
    #expect(IndexFileName.number(name) == 20_250_919_120_000_123)
    #expect(IndexFileName.name(number: 20_250_919_120_000_123) == name)
    #expect(IndexFileName.name(number: 7) == "00000000000000007")
    #expect(IndexFileName.name(number: -1) == nil)
    #expect(IndexFileName.name(number: 100_000_000_000_000_000) == nil)
    #expect(IndexFileName.isValid("99999999999999999"))
    for wrong in [
        "", "2025091912000012", "202509191200001234", "2025091912000012x", "+2025091912000012",
        "２０25091912000", "20250919120000123.tmp",
    ] {
        #expect(!IndexFileName.isValid(wrong), "\(wrong)")
    }
}

/// The physical offsets that an IndexFile has for a hash, by the chain of its slot.
private func candidates(
    in file: [UInt8], hash: Int32, slots: Int32
) throws -> [Int64] {
    let raw = file.rawSpan
    let header = IndexHeader(loadingFrom: raw)
    var number = raw.loadBigEndian(Int32.self, at: IndexLayout.slotOffset(hash % slots))
    var found: [Int64] = []
    while number != 0 {
        try #require(number > 0 && number < header.nextEntry)
        let entry = IndexEntry(
            loadingFrom: raw, at: IndexLayout.entryOffset(number, slotCount: slots))
        if entry.hash == hash { found.append(entry.physicalOffset) }
        try #require(entry.previous < number, "a chain leads to older entries")
        number = entry.previous
    }
    return found
}

@Test("each query of a golden store is answered by its IndexFiles", arguments: GoldenStore.names)
func goldenIndex(name: String) throws {
    let store = try GoldenStore(name)
    let slots = store.manifest.config.maxHashSlotNum
    let names = try store.names(in: "index")
    #expect(names.count == 2 && names.allSatisfy(IndexFileName.isValid))
    let files = try names.map { try store.file("index/\($0)") }
    for file in files {
        let size = IndexLayout.byteCount(
            slotCount: slots, entryCapacity: store.manifest.config.maxIndexNum)
        #expect(file.count == size)
    }
    for query in store.manifest.indexQueries {
        let hash = IndexKey.hash(
            topic: Array(query.topic.utf8).rawSpan, key: Array(query.key.utf8).rawSpan)
        let found = try files.flatMap { try candidates(in: $0, hash: hash, slots: slots) }
        #expect(found.sorted() == query.physicalOffsets, "\(query.topic)#\(query.key)")
    }
}

@Test(
    "each key of a golden store's messages is in the slot of its hash", arguments: GoldenStore.names
)
func goldenKeys(name: String) throws {
    let store = try GoldenStore(name)
    let files = try store.names(in: "index").map { try store.file("index/\($0)") }
    var checked = 0
    // A killed broker's index may end before its log.
    let end = files.map { IndexHeader(loadingFrom: $0.rawSpan).endPhysicalOffset }.max() ?? 0
    for message in store.manifest.messages where message.physicalOffset <= end {
        guard let key = message.properties[PropertyName.uniqueKey] else { continue }
        let hash = IndexKey.hash(
            topic: Array(message.topic.utf8).rawSpan, key: Array(key.utf8).rawSpan)
        let found = try files.flatMap {
            try candidates(in: $0, hash: hash, slots: store.manifest.config.maxHashSlotNum)
        }
        #expect(found.contains(message.physicalOffset), "\(message.topic)#\(key)")
        checked += 1
    }
    #expect(checked > 200)
}
