// What was handed to a pipeline and is not under way yet.

/// Messages in the order of their numbers. One at a time begins them, so that the order holds.
struct PipelineBacklog {
    private var waiting: [(sending: PipelinedSend, bytes: Int)] = []
    private var head = 0
    private var isPumping = false
    /// Begun and not answered.
    private var underWay = 0
    /// Somebody else has all places, and nothing of this pipeline will give one back.
    private var isStuck = false

    private var isEmpty: Bool { head == waiting.count }

    mutating func append(_ sending: PipelinedSend, _ bytes: Int) {
        waiting.append((sending, bytes))
    }

    /// True: the caller is to begin what waits, with `next`, until that answers nil.
    mutating func beginPumping() -> Bool {
        if isPumping || isEmpty { return false }
        isPumping = true
        return true
    }

    /// The next one, with a place in `window`. Nil: the pumping is over.
    mutating func next(_ window: SendWindow) -> (sending: PipelinedSend?, isStuck: Bool) {
        guard !isEmpty, window.tryEnter(waiting[head].bytes) else {
            isPumping = false
            isStuck = !isEmpty && underWay == 0
            return (nil, isStuck)
        }
        let sending = waiting[head].sending
        head += 1
        if isEmpty {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 256, 2 * head > waiting.count {
            waiting.removeFirst(head)
            head = 0
        }
        underWay += 1
        return (sending, false)
    }

    mutating func ended(_ count: Int) { underWay = max(0, underWay - count) }

    /// The bytes of the first one, when it is stuck.
    mutating func takeStuck() -> Int? {
        guard isStuck, !isEmpty, !isPumping else { return nil }
        isStuck = false
        return waiting[head].bytes
    }

    /// Takes everything out.
    mutating func removeAll() -> [(sending: PipelinedSend, bytes: Int)] {
        defer {
            waiting = []
            head = 0
            isStuck = false
        }
        return Array(waiting[head...])
    }
}
