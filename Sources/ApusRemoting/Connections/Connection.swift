// One connection, from either end: what is sent on it, from any thread.

public import ApusFormat
internal import NIOCore
package import Synchronization

/// A connection. Frames sent from one thread arrive in their order.
public final class Connection: Sendable {
    /// Unlike that of any other connection of this process.
    public let id: UInt64
    public let remoteAddress: HostAddress
    /// The end on this machine: what a server was asked under.
    public let localAddress: HostAddress

    let channel: any Channel
    private let configuration: RemotingConfiguration
    private let outbound = BriefMutex(Outbound())
    /// Bytes in `outbound`, or more than any when it is closed: stored under its lock, for who asks
    /// too often to take it.
    private let backlog = Atomic(0)
    private let pending = BriefMutex(PendingRequests())
    private let cycleListeners = BriefMutex(CycleListeners())
    private let ending = Mutex(Ending())
    private let trusted = Atomic(false)
    /// For a server: requests of this connection that stand before all that come, though they were
    /// put off. Has no partner: raised and looked at on the event loop, lowered when one is
    /// carried out.
    package let putOff = Atomic(0)

    private static let lastID = Atomic<UInt64>(0)

    /// How a connection ended, and who wants to know.
    private struct Ending {
        /// The first reason that was given.
        var reason: String?
        /// That the server does not take this client's certificate.
        var refusal: TLSError?
        var isOver = false
        var listeners: [@Sendable () -> Void] = []
    }

    init(
        channel: any Channel, remote: HostAddress, local: HostAddress,
        configuration: RemotingConfiguration
    ) {
        id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        self.channel = channel
        self.configuration = configuration
        remoteAddress = remote
        localAddress = local
    }

    /// False from the moment on at which it is to be closed.
    public var isOpen: Bool { outbound.withBriefLock { !$0.isClosed } }

    /// Bytes that wait to be handed to the kernel, but for those that its channel holds already.
    public var outboundByteCount: Int { outbound.withBriefLock { $0.byteCount } }

    /// Sends a command as it is. When the connection is closed, nothing happens.
    public func send(_ command: RemotingCommand) {
        append { $0.append(command) }
    }

    /// Answers a request, now or later. One-way requests get no answer.
    public func respond(to key: ReplyKey, _ response: Response) {
        guard !key.isOneWay else { return }
        append { $0.append(response.command(to: key)) }
    }

    /// Answers a request without anything in between: fields and body are written straight into
    /// what goes out. The closures are called at once, under the connection's lock, and must not
    /// call the connection. The body will have about `bodyByteCount` bytes: those of a large one
    /// are copied once and not twice.
    public func respond(
        to key: ReplyKey, _ code: ResponseCode, remark: String? = nil,
        expecting bodyByteCount: Int = 0, fields: (inout FieldWriter) -> Void,
        body: (inout BodyWriter) -> Void
    ) {
        guard !key.isOneWay else { return }
        let numbers = HeaderNumbers(answering: key, code)
        append {
            $0.append(
                numbers, remark: remark, key.serialization, expecting: bodyByteCount,
                fields: fields, body: body)
        }
    }

    /// The same without a body.
    public func respond(
        to key: ReplyKey, _ code: ResponseCode, remark: String? = nil,
        fields: (inout FieldWriter) -> Void
    ) {
        guard !key.isOneWay else { return }
        let numbers = HeaderNumbers(answering: key, code)
        append { $0.append(numbers, remark: remark, key.serialization, fields: fields) }
    }

    /// Answers a send whose message was stored, with what all such answers have in common.
    public func respond(
        to key: ReplyKey, _ code: ResponseCode, _ answer: borrowing SendAnswer,
        _ form: borrowing SendAnswerForm
    ) {
        guard !key.isOneWay else { return }
        append { $0.append(answer, code, form, to: key) }
    }

    /// Sends a request and calls `completion` once: with the response, or with the error after
    /// which none will come. It is called on the event loop, or here if the connection is closed
    /// already, and must not block. `command.opaque` is set here.
    public func invoke(
        _ command: RemotingCommand, timeout: Duration,
        completion: @escaping @Sendable (InvocationResult) -> Void
    ) {
        if !begin(command, timeout: timeout, completion: completion) {
            completion(.failure(closedError))
        }
    }

    /// Sends a request and waits for its response.
    public func invoke(
        _ command: RemotingCommand, timeout: Duration
    ) async throws(RemotingError) -> RemotingCommand {
        let result = await withCheckedContinuation { continuation in
            invoke(command, timeout: timeout) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The same as `invoke`, but answers false, and calls nobody, when the connection is closed
    /// already: nothing was sent then.
    public func begin(
        _ command: RemotingCommand, timeout: Duration,
        completion: @escaping @Sendable (InvocationResult) -> Void
    ) -> Bool {
        var command = command
        return begin(command.requestCode, timeout, .closure(completion)) { outbound, opaque in
            command.opaque = opaque
            outbound.append(command)
        }
    }

    /// Sends a request whose fields and body are written straight into what goes out; `receiver`
    /// hears once how it went. False, and it hears nothing, when the connection is closed already:
    /// nothing was sent then. The closures are called at once, under the connection's lock, and
    /// must not call the connection. `serialization` says how the header is written, and
    /// `bodyByteCount` about how long the body will be.
    public func ask(
        _ code: RequestCode, _ serialization: HeaderSerialization = .json, timeout: Duration,
        receiver: any ResponseReceiver, expecting bodyByteCount: Int = 0,
        fields: (inout FieldWriter) -> Void, body: (inout BodyWriter) -> Void
    ) -> Bool {
        begin(code, timeout, .receiver(receiver)) { outbound, opaque in
            outbound.append(
                HeaderNumbers(asking: code, opaque), remark: nil, serialization,
                expecting: bodyByteCount, fields: fields, body: body)
        }
    }

    @inline(__always)
    private func begin(
        _ code: RequestCode, _ timeout: Duration, _ waiter: PendingRequests.Waiter,
        write: (inout Outbound, Int32) -> Void
    ) -> Bool {
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let entry = PendingRequests.Entry(
            code: code, deadline: deadline, timeout: timeout, waiter: waiter)
        let (opaque, needsTimer) = pending.withBriefLock { pending in
            let isEarlier = pending.timer.map { deadline < $0 } ?? true
            if isEarlier { pending.timer = deadline }
            return (pending.add(entry), isEarlier)
        }
        if needsTimer { setTimer(deadline) }
        if append({ write(&$0, opaque) }) { return true }
        // Whoever takes the entry out answers for it; `end` may have been first.
        return pending.withBriefLock { $0.remove(opaque) } == nil
    }

    /// The numbers for `count` requests that `send(run:)` is to send, of which `receiver` hears:
    /// the first one answers with this number and is told with `tag`, and so on.
    package func beginRun(
        of count: Int, _ code: RequestCode, tag: Int, timeout: Duration,
        receiver: any RunReceiver
    ) -> Int32 {
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let (first, needsTimer) = pending.withBriefLock { pending in
            let isEarlier = pending.timer.map { deadline < $0 } ?? true
            if isEarlier { pending.timer = deadline }
            let run = PendingRequests.Run(
                first: 0, count: count, tag: tag, code: code, deadline: deadline,
                timeout: timeout, receiver: receiver)
            return (pending.add(run), isEarlier)
        }
        if needsTimer { setTimer(deadline) }
        return first
    }

    /// Sends whole frames, which have the numbers of a run. False, and the receiver hears nothing,
    /// when the connection is closed already: nothing was sent then.
    package func send(run first: Int32, _ frames: RawSpan) -> Bool {
        if append({ $0.append(frames) }) { return true }
        // Whoever takes the run out answers for it; `end` may have been first.
        return !pending.withBriefLock { $0.removeRun(with: first) }
    }

    /// Closes the connection after what was sent so far, as far as the peer takes it at once.
    /// The first reason counts; it goes to the log.
    public func close(reason: String) {
        ending.withLock { if $0.reason == nil { $0.reason = reason } }
        let wasOpen = outbound.withBriefLock { outbound in
            defer { outbound.isClosed = true }
            backlog.store(.max, ordering: .relaxed)
            return !outbound.isClosed
        }
        guard wasOpen else { return }
        channel.eventLoop.execute {
            self.drain()
            self.channel.close(mode: .all, promise: nil)
        }
    }

    /// The same for a client whose certificate the server does not take, which it is told behind
    /// its handshake: the server has carried out nothing.
    func close(refusal: TLSError) {
        ending.withLock { if $0.refusal == nil { $0.refusal = refusal } }
        close(reason: "\(refusal)")
    }

    /// Set once the server has refused this client's certificate: another connection would be, too.
    public var refusal: RemotingError? {
        ending.withLock { $0.refusal }.map {
            .notSecured(address: remoteAddress.description, $0)
        }
    }

    /// From now on its frames may be as long as `RemotingConfiguration.limits` has it: whoever is
    /// at the other end is known.
    public func trust() {
        if !isTrusted { trusted.store(true, ordering: .relaxed) }
    }

    var isTrusted: Bool { trusted.load(ordering: .relaxed) }

    /// Calls `listener` once when the connection has ended: at once if it has.
    public func onClose(_ listener: @escaping @Sendable () -> Void) {
        let isOver = ending.withLock { ending in
            if !ending.isOver { ending.listeners.append(listener) }
            return ending.isOver
        }
        if isOver { listener() }
    }
}

// What goes out.
extension Connection {
    /// Writes frames under the lock, and sees to it that the event loop fetches them. False when
    /// the connection is closed.
    @discardableResult @inline(__always)
    private func append(_ write: (inout Outbound) -> Void) -> Bool {
        let (isOpen, isNeeded, count) = outbound.withBriefLock { outbound in
            if outbound.isClosed { return (false, false, 0) }
            write(&outbound)
            let isNeeded = !outbound.isInCycle && !outbound.isScheduled
            if isNeeded { outbound.isScheduled = true }
            let count = outbound.byteCount
            backlog.store(count, ordering: .relaxed)
            return (true, isNeeded, count)
        }
        if isNeeded { channel.eventLoop.execute { self.drain() } }
        if count > configuration.maximumOutboundBytes {
            close(reason: "\(count) bytes wait that the peer does not read")
        }
        return isOpen
    }

    /// On the event loop: from now on to the next drain nobody needs to schedule one.
    func beginCycle() { outbound.withBriefLock { $0.isInCycle = true } }

    /// Whether the connection is open and less than `mark` waits.
    func mayGoOn(below mark: Int) -> Bool { backlog.load(ordering: .relaxed) < mark }

    /// On the event loop: hands to the channel what waits, if the channel takes more.
    func drain() {
        channel.eventLoop.assertInEventLoop()
        let isWritable = channel.isWritable
        let ready = outbound.withBriefLock { outbound in
            outbound.isInCycle = false
            outbound.isScheduled = false
            let ready = isWritable || outbound.isClosed ? outbound.take() : nil
            backlog.store(outbound.isClosed ? .max : outbound.byteCount, ordering: .relaxed)
            return ready
        }
        guard let ready else { return }
        channel.writeAndFlush(ready, promise: nil)
        outbound.withBriefLock { $0.giveBack(ready) }
    }

    /// On the event loop: memory that was kept for more traffic than there is.
    func shrink() { outbound.withBriefLock { $0.shrink() } }
}

// What comes in, and the end.
extension Connection {
    /// A response has come; true when a request waited for it.
    func complete(_ response: borrowing Request) -> Bool {
        let opaque = response.opaque
        switch pending.withBriefLock({ $0.find(opaque) }) {
        case .entry(let entry): entry.answer(response, on: self)
        case .run(let receiver, let tag):
            if receiver.receive(response, tag: tag, on: self) {
                _ = pending.withBriefLock { $0.removeRun(with: opaque) }
            }
        case nil: return false
        }
        return true
    }

    /// Has `listener` told once, at the end of the read cycle that is under way: to be called by
    /// one who receives a response, on the event loop.
    public func onEndOfCycle(_ listener: any CycleListener) {
        cycleListeners.withBriefLock { $0.add(listener) }
    }

    /// On the event loop: everything that was read has been handed on.
    func endCycle() {
        let (first, others) = cycleListeners.withBriefLock { $0.takeAll() }
        first?.cycleEnded(on: self)
        for listener in others { listener.cycleEnded(on: self) }
    }

    var hasPendingRequests: Bool { pending.withBriefLock { !$0.isEmpty } }

    private var closedError: RemotingError {
        refusal ?? .connectionClosed(address: remoteAddress.description, reason: reason)
    }

    /// Why it ended, for one that nobody has closed from this end.
    func note(reason: String) { ending.withLock { if $0.reason == nil { $0.reason = reason } } }

    /// Why the connection was closed; the peer did it if nobody else has.
    var reason: String { ending.withLock { $0.reason } ?? "the peer closed it" }

    private func setTimer(_ deadline: NIODeadline) {
        channel.eventLoop.scheduleTask(deadline: deadline) { self.expire(deadline) }
    }

    private func expire(_ timer: NIODeadline) {
        let (expired, next) = pending.withBriefLock {
            pending -> (expired: PendingRequests.Ended, next: NIODeadline?) in
            // An earlier timer was set meanwhile, and has been or will be here.
            guard pending.timer == timer else { return (PendingRequests.Ended(), nil) }
            let found = pending.expire(at: .now())
            pending.timer = found.next
            return found
        }
        if let next { setTimer(next) }
        expired.fail {
            .timedOut(address: remoteAddress.description, code: $0, after: $1)
        }
    }

    /// The channel is gone: whoever waits is told.
    func end() {
        endCycle()
        outbound.withBriefLock { outbound in
            outbound.discard()
            backlog.store(.max, ordering: .relaxed)
        }
        let listeners = ending.withLock { ending in
            ending.isOver = true
            defer { ending.listeners = [] }
            return ending.listeners
        }
        let left = pending.withBriefLock { $0.removeAll() }
        left.fail { _, _ in closedError }
        for listener in listeners { listener() }
    }
}

extension Connection: Hashable {
    public static func == (one: Connection, other: Connection) -> Bool { one === other }
    public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
