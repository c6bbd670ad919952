// What all handlers share: the store, the tables, who is connected, and who waits.
//
// Handlers run on the event loop of their connection. What waits for the disk (a topic that is
// made, say) runs as an errand, one after the other on a thread of their own.

import ApusFormat
import ApusRemoting
import ApusStore
import ApusSystem
import Logging
import NIOCore
import Synchronization

/// The parts of a running broker.
final class BrokerCore: Sendable {
    let configuration: BrokerConfiguration
    let store: MessageStore
    let state: BrokerState
    let delays: DelayTable
    let transactions: Transactions
    /// Who may do what; nil: anyone anything.
    let access: AccessControl?
    let logger: Logger
    let time: TimeSource
    /// The loop that errands, timers and delayed deliveries run on. It serves no connection.
    let errands: any EventLoop

    let clients = Mutex(ClientRegistry())
    let locks = Mutex(QueueLocks())
    let held = Mutex(ParkedPulls<HeldPull>())
    let connections: ConnectionTable
    let statistics = BrokerStatistics()
    let traffic: TrafficHistory
    private let waitingErrands = Atomic<Int>(0)

    /// Whether appends are answered when the device has them.
    let isSync: Bool
    /// What every stored message's properties end with, as Java's broker has it.
    let propertySuffix: [UInt8]
    /// What stands in each answer to a send: what the ids of all messages of this store begin with,
    /// and whether and as of which region clients are to trace theirs.
    let sendAnswers: SendAnswerForm
    /// Ids for messages that come without.
    let uniqueIDs: UniqueIDGenerator
    /// When it started, milliseconds since 1970.
    let bootTime: Int64
    /// Whether an administrator has set a group's offset: seldom, so that pulls look once.
    let hasResets = Atomic<Bool>(false)
    /// Set at shutdown: requests are turned away.
    let isStopping = Atomic<Bool>(false)
    /// Where clients find this broker.
    let address: HostAddress

    init(
        configuration: BrokerConfiguration, store: MessageStore, state: BrokerState,
        connections: ConnectionTable, errands: any EventLoop, access: AccessControl? = nil,
        logger: Logger, time: TimeSource = .system
    ) throws(StoreError) {
        self.configuration = configuration
        self.store = store
        self.state = state
        self.connections = connections
        self.errands = errands
        self.access = access
        self.logger = logger
        self.time = time
        transactions = try Transactions(store, offsets: state.offsets, logger)
        bootTime = time.wallMilliseconds
        traffic = TrafficHistory(
            time: time.nanoseconds / 1_000_000, offsets: state.offsets.all)
        nearByteCount =
            Int64(machineMemory() / 100) * Int64(configuration.pulling.memoryPercent)
        delays = DelayTable(milliseconds: configuration.delay.levels)
        isSync = configuration.store.flush.mode == .sync
        address = configuration.store.storeHost
        var suffix: [UInt8] = []
        PropertyEdit.append(PropertyName.region, configuration.regionID, to: &suffix)
        PropertyEdit.append(
            PropertyName.traceSwitch, configuration.isTraceOn ? "true" : "false", to: &suffix)
        PropertyEdit.append(PropertyName.cluster, configuration.clusterName, to: &suffix)
        propertySuffix = suffix
        sendAnswers = SendAnswerForm(
            messageIDHead: MessageIDText(hostOf: configuration.store.storeHost),
            fields: PreparedFields(
                "MSG_REGION", configuration.regionID,
                ("TRACE_ON", configuration.isTraceOn ? "true" : "false")))
        uniqueIDs = UniqueIDGenerator(
            host: configuration.store.storeHost, processID: processID(),
            instance: Int32.random(in: .min ... .max))
    }

    /// Bytes from the end of the log that are taken to be in memory.
    let nearByteCount: Int64

    /// Milliseconds of a clock that never steps back.
    var now: Int64 { time.nanoseconds / 1_000_000 }

    /// The queue, made when it has no messages yet; only for topics that the broker knows.
    func queue(_ topic: Topic, _ id: Int32) throws(Refusal) -> MessageQueue {
        try Refusal.store { () throws(StoreError) in
            try topic.queue(id) { (name) throws(StoreError) in
                try store.queue(topic: name, id: id)
            }
        }
    }

    /// The queue when it has files or was used; nil otherwise, and for names that are none.
    func existingQueue(topic: String, id: Int32) throws(Refusal) -> MessageQueue? {
        guard NameRules.complaint(topic: topic) == nil, id >= 0 else { return nil }
        do throws(StoreError) {
            return try store.existingQueue(topic: topic, id: id)
        } catch {
            if case .unknownQueue = error { return nil }
            throw Refusal(error)
        }
    }

    /// Runs `body` where waiting for the disk is allowed, and answers with what it returns.
    func errand(
        _ connection: Connection, _ key: ReplyKey,
        _ body: @escaping @Sendable (BrokerCore) throws(Refusal) -> Response
    ) {
        later(connection, key) { (core) throws(Refusal) in
            connection.respond(to: key, try body(core))
        }
    }

    /// Runs `body` where waiting for the disk is allowed. It answers itself, unless it throws.
    func later(
        _ connection: Connection, _ key: ReplyKey,
        _ body: @escaping @Sendable (BrokerCore) throws(Refusal) -> Void
    ) {
        guard waitingErrands.wrappingAdd(1, ordering: .relaxed).newValue <= Self.errandLimit else {
            waitingErrands.wrappingSubtract(1, ordering: .relaxed)
            return connection.refuse(
                key, Refusal(.systemBusy, "[REJECTREQUEST]system busy, too many requests wait"))
        }
        errands.execute { [self] in
            waitingErrands.wrappingSubtract(1, ordering: .relaxed)
            do throws(Refusal) { try body(self) } catch { connection.refuse(key, error) }
        }
    }

    /// The same for a request that those of its connection that come later are not to overtake.
    func laterInTurn(
        _ connection: Connection, _ key: ReplyKey,
        _ body: @escaping @Sendable (BrokerCore) throws(Refusal) -> Void
    ) {
        let turn = Turn(connection)
        later(connection, key) { (core) throws(Refusal) in
            // It ends with this call, or with the closure that is not called.
            defer { turn.end() }
            try body(core)
        }
    }

    /// Errands that may wait, each with its request: peers must not fill the memory.
    private static let errandLimit = 1_024
}

/// A request's place before those that its connection brings after it.
private final class Turn: Sendable {
    private let connection: Connection
    private let isOver = Atomic(false)

    init(_ connection: Connection) {
        self.connection = connection
        connection.putOff.wrappingAdd(1, ordering: .relaxed)
    }

    deinit { end() }

    func end() {
        guard !isOver.exchange(true, ordering: .relaxed) else { return }
        connection.putOff.wrappingSubtract(1, ordering: .releasing)
    }
}

extension Response {
    /// Success, with a body of JSON.
    init(json: JSONObject, fields: HeaderFields = [:]) {
        self.init(.success, fields: fields)
        JSON.object(json).write(into: &body)
    }
}
