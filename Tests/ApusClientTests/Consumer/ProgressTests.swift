// What of a queue is here and done, against a plain model; and what follows from answers to pulls.

import ApusFormat
import ApusRemoting
import TestSupport
import Testing

@testable import ApusClient

/// A message at an offset, of a few bytes.
func sample(at offset: Int64, body: Int = 1, tag: String? = nil) -> ReceivedMessage {
    let properties = Properties.encode(tag.map { [Property(name: "TAGS", value: $0)] } ?? [])
    let frame = RecordFrame(
        version: .v1, systemFlag: [], bodyLength: body, topicLength: 1,
        propertiesLength: properties.count)
    var bytes = [UInt8](repeating: 0, count: frame.totalSize)
    var span = bytes.mutableRawSpan
    let content = [UInt8](repeating: 7, count: body)
    RecordEncoder.encode(
        RecordFields(
            queueID: 0, queueOffset: offset, bodyChecksum: CRC32.stored(content.rawSpan)),
        frame: frame, topic: [UInt8(ascii: "T")].rawSpan, properties: properties.rawSpan,
        body: content.rawSpan, appendsChecksum: false, into: &span, at: 0)
    return ReceivedMessage(bytes: bytes, start: 0, frame: frame, broker: "b")
}

@Suite("How far a member has come in a queue")
struct QueueProgressTests {
    @Test("at every step it commits the first offset that is not done, whatever the order")
    func model() {
        var numbers = SeededNumbers.printed()
        for _ in 0..<100 {
            var progress = QueueProgress(at: 10)
            var next: Int64 = 10
            var open: Set<Int64> = []
            var inHand: [HandedOut] = []
            for _ in 0..<200 {
                switch Int.random(in: 0..<30, using: &numbers) {
                case 0..<9:
                    // Offsets without a message are those of other tags.
                    let end = next + Int64.random(in: 1...8, using: &numbers)
                    let found = (next..<end).filter { _ in Bool.random(using: &numbers) }
                    progress.add(found.map { sample(at: $0) }, next: end)
                    open.formUnion(found)
                    next = end
                case 9..<18:
                    let limit = Int.random(in: 1...4, using: &numbers)
                    guard let handed = progress.handOut(limit) else { continue }
                    #expect(handed.messages.count <= limit)
                    inHand.append(handed)
                case 18:
                    // What is in hand belongs to the place before, and is finished below all the
                    // same: none of it may count.
                    next = Int64.random(in: 0...100, using: &numbers)
                    progress.reset(to: next)
                    for handed in inHand { progress.finish(handed) }
                    inHand = []
                    open = []
                default:
                    guard let place = inHand.indices.randomElement(using: &numbers) else {
                        continue
                    }
                    let handed = inHand.remove(at: place)
                    progress.finish(handed)
                    // Twice is as good as once.
                    if Bool.random(using: &numbers) { progress.finish(handed) }
                    open.subtract(handed.messages.map(\.queueOffset))
                }
                #expect(progress.nextOffset == next && progress.count == open.count)
                #expect(progress.commitOffset == open.min() ?? next)
            }
        }
    }

    @Test("each message is handed out once, in order, and what is done frees its room")
    func handingOut() {
        var progress = QueueProgress(at: 0)
        progress.add((0..<5).map { sample(at: $0, body: 10) }, next: 5)
        progress.add((5..<7).map { sample(at: $0, body: 10) }, next: 9)
        #expect(progress.count == 7 && progress.byteCount == 70 && progress.commitOffset == 0)
        var all: [HandedOut] = []
        while let handed = progress.handOut(3) { all.append(handed) }
        #expect(all.map { $0.messages.map(\.queueOffset) } == [[0, 1, 2], [3, 4], [5, 6]])
        progress.finish(all[1])
        #expect(progress.commitOffset == 0 && progress.count == 5)
        progress.finish(all[0])
        #expect(progress.commitOffset == 5 && progress.byteCount == 20 && progress.span == 4)
        progress.finish(all[2])
        #expect(progress.commitOffset == 9 && progress.count == 0 && progress.byteCount == 0)
    }

    @Test("what is done late of an earlier place does not count for the new one")
    func reset() {
        var progress = QueueProgress(at: 0)
        progress.add([sample(at: 0), sample(at: 1)], next: 2)
        let old = progress.handOut(2)
        progress.reset(to: 100)
        progress.add([sample(at: 100)], next: 101)
        if let old { progress.finish(old) }
        #expect(progress.commitOffset == 100 && progress.count == 1 && progress.hasWaiting)
    }
}

@Suite("A queue that is held")
struct HeldQueueTests {
    private let queue = MessageQueue(topic: "T", broker: "b", id: 0)

    @Test("a pull that was overtaken by a reset or a drop does not begin")
    func overtaken() async {
        let held = HeldQueue(queue, isRetry: false, at: 5, committed: nil)
        let first = PullWait()
        #expect(held.begin(first, at: 5))
        held.reset(to: 0)
        guard case .dropped = await first.value() else {
            Issue.record("the pull goes on")
            return
        }
        #expect(!held.begin(PullWait(), at: 5) && held.begin(PullWait(), at: 0))
        held.drop()
        #expect(!held.begin(PullWait(), at: 0) && held.handOut(1) == nil)
    }

    @Test("what a peer says of offsets is held to bounds")
    func bounds() {
        let held = HeldQueue(queue, isRetry: false, at: -7, committed: nil)
        held.note(maximum: .min)
        #expect(held.nextOffset == 0 && held.report.lag == 0)
        held.note(maximum: .max)
        #expect(held.report.lag == .max)
    }
}

@Suite("Tags that are looked at again")
struct TagCheckTests {
    @Test("a tag with the hash of a wanted one is not wanted")
    func collision() throws {
        // Both have Java's hash 2112.
        #expect(
            JavaHash.hashCode(utf8: Array("Aa".utf8).rawSpan)
                == JavaHash.hashCode(utf8: Array("BB".utf8).rawSpan))
        let check = TagCheck(Subscription("T", tags: "Aa || c"))
        #expect(check.isWanted(sample(at: 0, tag: "Aa")) && check.isWanted(sample(at: 0, tag: "c")))
        #expect(!check.isWanted(sample(at: 0, tag: "BB")) && !check.isWanted(sample(at: 0)))
        #expect(TagCheck(Subscription("T")).isWanted(sample(at: 0)))
    }
}

@Suite("What follows from an answer to a pull")
struct PullStepTests {
    @Test("each answer calls for its step")
    func steps() {
        func step(_ answer: PullAnswer) -> PullStep { PullStep(answer, at: 10) }
        #expect(step(PullAnswer(.success, nextOffset: 12)) == .take(next: 12))
        #expect(step(PullAnswer(.pullNotFound, nextOffset: 10)) == .goOn(10))
        #expect(step(PullAnswer(.pullRetryImmediately, nextOffset: 40)) == .goOn(40))
        #expect(step(PullAnswer(.pullOffsetMoved, nextOffset: 3)) == .move(to: 3))
        #expect(step(PullAnswer(.pullOffsetMoved, nextOffset: 10)) == .goOn(10))
        #expect(step(PullAnswer(.pullOffsetMoved)) == .goOn(10))
        #expect(step(PullAnswer(.subscriptionNotExist)) == .introduce)
        #expect(step(PullAnswer(.subscriptionNotLatest)) == .introduce)
    }

    @Test("an answer that would lead back, or nowhere, is no progress")
    func bad() {
        for answer in [
            PullAnswer(.success), PullAnswer(.success, nextOffset: 10),
            PullAnswer(.success, nextOffset: 9), PullAnswer(.success, nextOffset: .max),
            PullAnswer(.systemError, remark: "no"),
        ] {
            guard case .wait = PullStep(answer, at: 10) else {
                Issue.record("\(answer.code) at \(answer.nextOffset ?? -1)")
                continue
            }
        }
        #expect(PullStep(PullAnswer(.pullNotFound, nextOffset: 2), at: 10) == .goOn(10))
    }
}
