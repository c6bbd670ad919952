// GET_BROKER_RUNTIME_INFO (28), GET_BROKER_CONFIG (26), and the offset tables as
// documents (43, 45). RocketMQ's names; what we do not count is left out.

import ApusRemoting
import ApusServer
import ApusStore
import ApusSystem
import Synchronization

extension BrokerCore {
    func runtimeInformation() -> Response {
        var table: [(String, String)] = [
            ("bootTimestamp", "\(bootTime)"), ("brokerActive", "true"),
            ("brokerVersion", "\(RemotingCommand.currentVersion)"),
            ("brokerVersionDesc", Release.name(RemotingCommand.currentVersion)),
            ("commitLogMaxOffset", "\(store.published)"),
            ("commitLogMinOffset", "\(store.physicalMinimum)"),
            ("dispatchBehindBytes", "0"),
            ("getTransferredTps", rates(.brokerGet)), ("putTps", rates(.brokerPut)),
            ("getTotalTps", "0.0 0.0 0.0"), ("getFoundTps", "0.0 0.0 0.0"),
            ("msgGetTotalTodayNow", "\(statistics.messagesOut.load(ordering: .relaxed))"),
            ("msgGetTotalTodayMorning", "0"), ("msgGetTotalYesterdayMorning", "0"),
            ("msgPutTotalTodayNow", "\(statistics.messagesIn.load(ordering: .relaxed))"),
            ("msgPutTotalTodayMorning", "0"), ("msgPutTotalYesterdayMorning", "0"),
            ("pageCacheLockTimeMills", "0"),
            ("remainHowManyDataToFlush", "\(max(0, store.published - store.flushed)) B"),
            ("runtime", runtime),
            ("sendThreadPoolQueueCapacity", "\(configuration.sending.waitingLimit)"),
            (
                "sendThreadPoolQueueSize",
                "\(max(0, statistics.waitingSends.load(ordering: .relaxed)))"
            ),
            ("sendThreadPoolQueueHeadWaitTimeMills", "0"),
            ("pullThreadPoolQueueSize", "0"), ("pullThreadPoolQueueHeadWaitTimeMills", "0"),
            ("startAcceptSendRequestTimeStamp", "\(configuration.acceptsSendsFrom)"),
        ]
        if let time = earliestTime { table.append(("earliestMessageTimeStamp", "\(time)")) }
        if let ratio = diskRatio { table.append(("commitLogDiskRatio", "\(ratio)")) }
        for (level, offset) in state.delayOffsets.all.sorted(by: { $0.key < $1.key }) {
            let queue = try? existingQueue(
                topic: WellKnownName.schedule, id: DelayTable.queueID(level: Int(level)))
            let end = queue.flatMap { try? store.maximumOffset($0) } ?? 0
            table.append(("scheduleMessageOffset_\(level)", "\(offset),\(end)"))
        }
        let members = table.map { ($0.0, JSON.string($0.1)) }
        return Response(json: ["table": .object(JSONObject(members))])
    }

    /// When the first message that is kept was stored; nil when none is.
    private var earliestTime: Int64? {
        var time: Int64?
        (try? store.record(at: store.physicalMinimum))?.forEach { time = $0.storeTimestamp }
        return time
    }

    /// How full the file system of the log is, from 0 to 1.
    private var diskRatio: Double? {
        let path = configuration.store.commitLog.path ?? configuration.storePath
        return (try? SystemDisk().space(path)).map { $0.usedPercent / 100 }
    }

    /// Messages a second in the last minute and the last hour. RocketMQ tells those of ten seconds,
    /// a minute and ten minutes.
    private func rates(_ name: TrafficHistory.Name) -> String {
        guard let series = traffic.series(name) else { return "0.0 0.0 0.0" }
        let (minute, hour) = (series.figures(.minute).rate, series.figures(.hour).rate)
        return "\(minute) \(minute) \(hour)"
    }

    /// In the words of RocketMQ's tools.
    private var runtime: String {
        let seconds = (time.wallMilliseconds - bootTime) / 1_000
        return "[ \(seconds / 86_400) days, \(seconds / 3_600 % 24) hours, "
            + "\(seconds / 60 % 60) minutes, \(seconds % 60) seconds ]"
    }

    func brokerConfiguration() -> Response {
        let lines = configuration.properties.map { "\($0.key)=\($0.value)\n" }
        return Response(
            .success, fields: ["version": "\(state.topics.version.counter)"],
            body: Array(lines.joined().utf8))
    }
}
