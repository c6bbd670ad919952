// The checkpoint: RocketMQ's fields, the durable mark beside them, and crashes while it is written.

import ApusFormat
import Testing

private let fields = CheckpointFields(
    commitLogTimestamp: 1_700_000_000_001, queueTimestamp: 1_700_000_000_001)

private func mark(_ generation: Int64, _ javaFields: CheckpointFields = fields) -> DurableMark {
    DurableMark(
        generation: generation, logDurable: 8192, queuesDurable: 8192, indexDurable: 4096,
        indexFileName: 20_250_919_120_000_123, indexEntryCount: 7, isClean: false, logMinimum: 0,
        queueCount: 3, javaFields: javaFields, epoch: 9)
}

/// Writes a slot or the fields into a copy of a checkpoint file.
private func file(
    _ file: [UInt8] = [UInt8](repeating: 0, count: 4096), marks: [DurableMark] = [],
    fields: CheckpointFields? = nil
) -> [UInt8] {
    var file = file
    if let fields {
        file.replaceSubrange(0..<40, with: stored(40) { fields.store(into: &$0) })
    }
    for mark in marks {
        let start = CheckpointLayout.slotOffset(mark.slot)
        file.replaceSubrange(start..<start + 512, with: stored(512) { mark.store(into: &$0) })
    }
    return file
}

@Test("the fields of a checkpoint are RocketMQ's, and give the time to scan from")
func checkpointFields() {
    let all = CheckpointFields(
        commitLogTimestamp: 1, queueTimestamp: 2, indexTimestamp: 3, masterFlushedOffset: 4,
        confirmedOffset: 5)
    let expected = bytes(
        hex: "00000000000000010000000000000002000000000000000300000000000000040000000000000005")
    #expect(stored(40) { all.store(into: &$0) } == expected)
    #expect(CheckpointFields(loadingFrom: expected.rawSpan) == all)
    let scans: [(Int64, Int64, Int64)] = [
        (10_000, 9_000, 6_000), (9_000, 10_000, 6_000), (3_000, 9_000, 0), (2_999, 9_000, 0),
        (3_001, 9_000, 1), (0, 9_000, 0), (-5, 9_000, 0), (.min, .max, 0),
        (.max, .max, .max - 3_000),
    ]
    for (log, queue, scan) in scans {
        let fields = CheckpointFields(commitLogTimestamp: log, queueTimestamp: queue)
        #expect(fields.scanTimestamp == scan, "\(log), \(queue)")
    }
}

@Test("the checkpoint of a golden store says when its newest message was stored")
func goldenCheckpoint() throws {
    let clean = try GoldenStore("rocketmq-5.3.3-clean")
    let file = try clean.file("checkpoint")
    #expect(file.count == CheckpointLayout.fileByteCount)
    let fields = CheckpointFields(loadingFrom: file.rawSpan)
    let newest = clean.manifest.messages.map(\.storeTimestamp).max()
    #expect(fields.commitLogTimestamp == newest && fields.queueTimestamp == newest)
    #expect(DurableMark.current(in: file.rawSpan) == nil)
    // Killed before the CommitLog's time was first written: the whole log is scanned.
    let killed = try GoldenStore("rocketmq-5.3.3-killed").file("checkpoint")
    #expect(CheckpointFields(loadingFrom: killed.rawSpan).scanTimestamp == 0)
}

@Test("a durable mark stands in 512 bytes of its own layout")
func markLayout() {
    let expected = bytes(
        hex: """
            415055534d41524b000000010000000000000005000000000000200000000000000020000000000000001000
            0047f21a8885d47b00000007000000000000000000000000000000030000018bcfe568010000018bcfe56801
            0000000000000000000000000000000000000000000000000000000000000009768bb3fe
            """)
    let slot = stored(512) { mark(5).store(into: &$0) }
    #expect(slot == expected + [UInt8](repeating: 0, count: 388))
    #expect(DurableMark(loadingFrom: slot.rawSpan) == mark(5))
    let overwritten = stored(513) {
        for offset in 0..<513 { $0.storeBigEndian(UInt8(255), at: offset) }
        mark(5).store(into: &$0)
    }
    #expect(overwritten == slot + [255])
    var clean = mark(5)
    clean.isClean = true
    let cleanSlot = stored(512) { clean.store(into: &$0) }
    #expect(DurableMark(loadingFrom: cleanSlot.rawSpan) == clean)
}

@Test("a slot with a flipped bit, another version or too few bytes is no mark")
func damagedSlots() {
    let slot = stored(512) { mark(5).store(into: &$0) }
    for position in 0..<124 {
        for bit in 0..<8 {
            var flipped = slot
            flipped[position] ^= 1 << UInt8(bit)
            #expect(DurableMark(loadingFrom: flipped.rawSpan) == nil, "byte \(position)")
        }
    }
    for count in 0..<512 {
        #expect(DurableMark(loadingFrom: Array(slot.prefix(count)).rawSpan) == nil)
    }
    var newer = slot
    newer[11] = 2
    newer.replaceSubrange(
        120..<124,
        with: stored(4) {
            $0.storeBigEndian(CRC32.checksum(Array(newer[0..<120]).rawSpan), at: 0)
        })
    #expect(DurableMark(loadingFrom: newer.rawSpan) == nil)
}

@Test("of two slots that match the fields, the newer one is the mark")
func newerSlot() {
    for generations in [[6, 7], [8, 7], [7], [6]] as [[Int64]] {
        let file = file(marks: generations.map { mark($0) }, fields: fields)
        #expect(DurableMark.current(in: file.rawSpan)?.generation == generations.max())
    }
    #expect(DurableMark.current(in: file().rawSpan) == nil)
    let whole = file(marks: [mark(7)], fields: fields)
    #expect(DurableMark.current(in: Array(whole.prefix(4095)).rawSpan) == nil)
    #expect(DurableMark.current(in: [UInt8]().rawSpan) == nil)
}

@Test("a crash at any step of writing a mark leaves the one before it or the new one")
func crashes() {
    let later = CheckpointFields(commitLogTimestamp: 1_700_000_009_999, queueTimestamp: 5)
    let before = file(marks: [mark(6), mark(7)], fields: fields)
    let next = mark(8, later)
    let slotWritten = file(before, marks: [next])
    let written = file(slotWritten, fields: later)
    #expect(DurableMark.current(in: before.rawSpan) == mark(7))
    #expect(DurableMark.current(in: slotWritten.rawSpan) == mark(7))
    #expect(DurableMark.current(in: written.rawSpan) == next)
    let start = CheckpointLayout.slotOffset(next.slot)
    for count in 0..<512 {
        var torn = before
        torn.replaceSubrange(start..<start + count, with: slotWritten[start..<start + count])
        #expect(DurableMark.current(in: torn.rawSpan) == mark(7), "torn after \(count)")
    }
}

@Test("when a Java broker has changed the fields there is no mark")
func changedFields() {
    let marked = file(marks: [mark(6), mark(7)], fields: fields)
    for position in 0..<40 {
        var changed = marked
        changed[position] ^= 0x40
        #expect(DurableMark.current(in: changed.rawSpan) == nil, "byte \(position)")
    }
}

@Test("the abort file tells our epoch from a Java broker's process id")
func abortMarkers() throws {
    #expect(AbortMarker.text(processID: 1234, epoch: 9) == Array("1234\napus 9\n".utf8))
    for epoch in [0, 1, 9, -1, Int64.min, Int64.max] {
        let text = AbortMarker.text(processID: .max, epoch: epoch)
        #expect(AbortMarker.epoch(in: text.rawSpan) == epoch)
        for count in 0..<text.count {
            #expect(AbortMarker.epoch(in: Array(text.prefix(count)).rawSpan) == nil)
        }
    }
    for wrong in [
        "1234", "1234\n", "1234\napus 9\n\n", "1234\napus 09\n", "1234\napus +9\n",
        "x\napus 9\n", "1234\nApus 9\n", "\n1234\napus 9\n", "1234\napus 99999999999999999999\n",
        String(repeating: "1", count: 10_000) + "\napus 9\n",
    ] {
        #expect(AbortMarker.epoch(in: Array(wrong.utf8).rawSpan) == nil, "\(wrong.prefix(40))")
    }
    let killed = try GoldenStore("rocketmq-5.3.3-killed").file("abort")
    #expect(AbortMarker.epoch(in: killed.rawSpan) == nil)
}

@Test("a mark keeps each of its two flags for itself")
func markFlags() throws {
    for isClean in [false, true] {
        for hasRecordChecksums in [false, true] {
            var one = mark(1)
            one.isClean = isClean
            one.hasRecordChecksums = hasRecordChecksums
            let slot = stored(512) { one.store(into: &$0) }
            #expect(DurableMark(loadingFrom: slot.rawSpan) == one)
            #expect(slot[59] == (isClean ? 1 : 0) | (hasRecordChecksums ? 2 : 0))
        }
    }
}
