// What an application does with messages, and how it says that it could not.

/// Thrown by a handler that wants a message again. Any other error does the same, with the
/// broker's own delay: 10 seconds the first time, then longer and longer.
public struct ConsumeAgain: Error, Sendable, Hashable {
    /// After which delay: one of the broker's levels from 1; 0: the broker's choice, which grows
    /// with the number of times.
    public let delayLevel: Int
    /// Of a batch, the first message that is wanted again: those before it are done.
    public let index: Int

    public init(delayLevel: Int = 0, from index: Int = 0) {
        self.delayLevel = delayLevel
        self.index = index
    }
}

/// Handles one message. Returning means that it is done.
public typealias MessageHandler = @Sendable (ReceivedMessage) async throws -> Void

/// Handles messages of one queue together. Returning means that all are done.
public typealias BatchHandler = @Sendable ([ReceivedMessage]) async throws -> Void

/// Either, watched or not.
struct WatchedHandler: Sendable {
    let handler: Handler
    let observer: HandlerObserver?

    var takesMany: Bool { handler.takesMany }

    func handle(_ messages: ArraySlice<ReceivedMessage>) async -> HandlerFailure? {
        if let observer { return await observer.handle(messages, with: handler) }
        return await handler.handle(messages)
    }
}

/// Either.
enum Handler: Sendable {
    case each(MessageHandler)
    case batch(BatchHandler)

    /// Whether several messages go to it together.
    var takesMany: Bool { if case .batch = self { true } else { false } }

    /// Nil when all are done; otherwise from where on, and with which delay, they are wanted again.
    func handle(_ messages: ArraySlice<ReceivedMessage>) async -> HandlerFailure? {
        switch self {
        case .batch(let handle):
            do { try await handle(messages.map { $0.opened() }) } catch {
                let again = error as? ConsumeAgain
                let index = min(max(again?.index ?? 0, 0), messages.count)
                if index == messages.count { return nil }
                return HandlerFailure(
                    from: messages.startIndex + index, delayLevel: again?.delayLevel ?? 0,
                    error: error)
            }
        case .each(let handle):
            for index in messages.indices {
                do {
                    // The usual one is not copied.
                    if messages[index].bodyLimit == nil {
                        try await handle(messages[index])
                    } else {
                        try await handle(messages[index].opened())
                    }
                } catch {
                    let again = error as? ConsumeAgain
                    return HandlerFailure(
                        from: index, delayLevel: again?.delayLevel ?? 0, error: error)
                }
            }
        }
        return nil
    }
}

/// What a handler did not do.
struct HandlerFailure: Sendable {
    /// The messages from there on.
    let from: Int
    let delayLevel: Int
    let error: any Error
}
