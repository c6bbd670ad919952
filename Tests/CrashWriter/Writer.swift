// Fills a store from several threads until it is killed, and says beforehand and afterwards what it
// does.

import ApusFormat
import ApusStore
import ApusSystem
import Glibc
import Synchronization

/// The process that is going to be killed.
struct Writer: Sendable {
    let plan: Plan
    let store: MessageStore
    let pipe: LedgerPipe
    let payload: Payload
    let queues: [QueueName: MessageQueue]
    private let count: Counter
    private let isOver = Flag()

    init(_ plan: Plan) throws {
        self.plan = plan
        pipe = try LedgerPipe(descriptor: 1, stampPath: plan.stampPath, seed: plan.seed)
        payload = Payload(seed: plan.seed)
        let disk: any Disk = plan.defect.map { BrokenDisk($0) } ?? SystemDisk()
        store = try MessageStore.open(
            plan.directory, plan.configuration, observer: nil, disk: disk, time: .system)
        var queues: [QueueName: MessageQueue] = [:]
        for place in Payload.places {
            queues[place] = try store.queue(topic: place.topic, id: place.id)
        }
        self.queues = queues
        count = Counter()
    }

    /// Ends with 0 when the limit was reached and the store closed, with 3 when it was poisoned.
    func run() throws -> Int32 {
        var threads: [SystemThread] = []
        for number in 0..<plan.threadCount {
            threads.append(
                try SystemThread(name: "writer-\(number)") { write(thread: UInt64(number)) })
        }
        let reader = try SystemThread(name: "reader") { read() }
        for thread in threads { thread.join() }
        _ = isOver.set()
        reader.join()
        pipe.write(LedgerRecord(.flushBegan))
        do throws(StoreError) { try store.close() } catch {
            pipe.failed(error)
            return 3
        }
        pipe.write([LedgerRecord(.flushed), LedgerRecord(.closed)])
        return 0
    }

    /// One writer's life. A poisoned store is asked a few times more: it must go on refusing.
    private func write(thread: UInt64) {
        var numbers = Numbers(seed: plan.seed, stream: plan.run << 8 | thread << 40 | 3)
        var next = plan.run << 32 | thread << 24
        var failures = 0
        while failures < 4, !isOver.isSet {
            let choice = numbers.next() % 16
            let isBatch = choice < 3
            let group = Payload.groupCount - next % Payload.groupCount
            let wanted = isBatch ? min(group, 2 + numbers.next() % 7) : 1
            let range = next..<next + wanted
            next += wanted
            if count.add(Int(wanted)) > plan.limit { return }
            do throws(StoreError) {
                if isBatch {
                    try append(batch: range)
                } else if choice < 6 {
                    appendInBackground(range.lowerBound)
                } else {
                    try append(range.lowerBound)
                }
                if thread == 0, numbers.next() % 24 == 0 { try flush() }
            } catch {
                pipe.failed(error)
                failures += 1
            }
            pause(&numbers)
        }
    }

    /// Bursts with pauses between them, so that a kill meets both.
    private func pause(_ numbers: inout Numbers) {
        guard numbers.next() % 16 == 0 else { return }
        SystemThread.sleep(nanoseconds: Int64(numbers.next() % 3_000_000))
    }

    private func append(_ sequence: UInt64) throws(StoreError) {
        let message = payload.message(sequence)
        pipe.submitted(sequence..<sequence + 1)
        if plan.defect == .earlyAck { return try appendTooLate(message, sequence) }
        let result = try store.append(message)
        if result.status == .stored { pipe.acknowledged(message, sequence, result) }
    }

    /// The defect of a writer who trusts that all will be well.
    private func appendTooLate(_ message: Message, _ sequence: UInt64) throws(StoreError) {
        pipe.write(LedgerRecord(.acknowledged, sequence: sequence))
        SystemThread.sleep(nanoseconds: 300_000)
        try store.append(message)
    }

    private func append(batch range: Range<UInt64>) throws(StoreError) {
        var messages: [Message] = []
        var byteCount = 0
        for sequence in range {
            let message = payload.message(sequence)
            byteCount += message.body.count + 512
            if !messages.isEmpty, byteCount > 60 << 10 { break }
            messages.append(message)
        }
        let range = range.lowerBound..<range.lowerBound + UInt64(messages.count)
        pipe.submitted(range)
        let batch = try store.append(batch: messages)
        guard batch.first.status == .stored else { return }
        // Of the rest only the queue offset is told.
        var records = range.map { LedgerRecord(.acknowledged, sequence: $0) }
        for place in records.indices {
            records[place].queueOffset = batch.first.queueOffset + Int64(place)
            records[place].bodyChecksum = checksum(messages[place].body)
        }
        records[0].physicalOffset = batch.first.physicalOffset
        pipe.write(records)
    }

    private func appendInBackground(_ sequence: UInt64) {
        let message = payload.message(sequence)
        guard let queue = queues[payload.place(of: sequence)] else { return }
        pipe.submitted(sequence..<sequence + 1)
        let properties = Properties.encode(message.properties)
        store.append(
            to: queue, body: message.body.rawSpan, properties: properties.rawSpan
        ) { [pipe] outcome in
            switch outcome {
            case .success(let result):
                if result.status == .stored { pipe.acknowledged(message, sequence, result) }
            case .failure(let error): pipe.failed(error)
            }
        }
    }

    private func flush() throws(StoreError) {
        pipe.write(LedgerRecord(.flushBegan))
        try store.flush()
        pipe.write(LedgerRecord(.flushed))
    }

    /// A consumer: what it was given once must stay, like what was acknowledged.
    private func read() {
        var next: [QueueName: Int64] = [:]
        while !isOver.isSet {
            for (name, queue) in queues {
                guard let end = try? store.maximumOffset(queue) else { return }
                // Starts at what is new: the rest was checked when the store was settled.
                let from = next[name] ?? max(0, end - 4)
                guard let batch = try? store.read(queue, from: from, count: 16),
                    let messages = try? batch.messages()
                else { continue }
                next[name] = batch.nextOffset
                for message in messages {
                    if let sequence = payload.sequence(in: message.body) {
                        pipe.seen(message, sequence)
                    }
                }
            }
            SystemThread.sleep(nanoseconds: 500_000)
        }
    }
}

/// Counts messages of all threads.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)

    func add(_ more: Int) -> Int { count.wrappingAdd(more, ordering: .relaxed).newValue }
}

func checksum(_ body: [UInt8]) -> UInt32 { UInt32(bitPattern: CRC32.stored(body.rawSpan)) }
