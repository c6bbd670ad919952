// Queues in order: a handler has one message of a queue at a time, and the queue waits while that
// fails.

internal import Logging

/// Handles the messages of queues, each queue by itself.
struct OrderedQueues: MessageSink {
    private let configuration: ConsumerConfiguration
    private let handler: WatchedHandler
    private let back: SendBack
    private let places: SendWindow
    private let limit: Int

    init(_ configuration: ConsumerConfiguration, _ handler: WatchedHandler, _ back: SendBack) {
        self.configuration = configuration
        self.handler = handler
        self.back = back
        limit = handler.takesMany ? configuration.handlerBatch : 1
        places = SendWindow(count: configuration.concurrency, bytes: .max)
    }

    func hasMessages(_ queue: HeldQueue) { queue.handling.ring() }
    func dropped(_ queue: HeldQueue) {}

    /// Handles a queue until it is dropped or the task is cancelled.
    func run(_ held: HeldQueue) async {
        while !held.isDropped, !Task.isCancelled {
            let mayRead = held.isLocked || configuration.model == .broadcasting
            guard mayRead, let handed = held.handOut(limit) else {
                await held.handling.wait(atMost: .seconds(1))
                continue
            }
            let isDone = await handle(handed, held)
            held.takeBack(handed, isDone: isDone, configuration)
        }
    }

    /// Again and again until it is done. False: the queue is somebody else's by now, or the end has
    /// come.
    private func handle(_ handed: HandedOut, _ held: HeldQueue) async -> Bool {
        var left = handed.messages
        var times = 0
        while let first = left.first {
            guard await places.enter(0) else { return false }
            let failure = await handler.handle(left)
            places.leave()
            guard let failure else { return true }
            if Task.isCancelled { return false }
            if failure.from > left.startIndex { times = 0 }
            left = left[failure.from...]
            back.core.logger.info(
                "a queue waits for a message that was not handled",
                metadata: [
                    "message": "\(left.first ?? first)", "times": "\(times)",
                    "error": "\(failure.error)",
                ])
            if times >= back.maximumRetries {
                guard let dead = left.first else { return true }
                if configuration.model == .clustering,
                    !(await back.send(dead, delayLevel: -1))
                {
                    return false
                }
                left = left.dropFirst()
                times = 0
                continue
            }
            times += 1
            await pause(held, times)
            if held.isDropped || Task.isCancelled { return false }
        }
        return true
    }

    private func pause(_ held: HeldQueue, _ times: Int) async {
        let longest = max(configuration.orderlyPause, .seconds(60))
        let end = Deadline(
            after: min(longest, configuration.orderlyPause * (1 << min(times - 1, 6))))
        // New messages ring as well, and do not end the pause.
        while !end.isOver, !held.isDropped, !Task.isCancelled {
            await held.handling.wait(atMost: end.remaining)
        }
    }
}
