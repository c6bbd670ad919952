// QUERY_CONSUME_TIME_SPAN (303), QUERY_CORRECTION_OFFSET (308), CLONE_GROUP_OFFSET (314) and
// GET_BROKER_CONSUME_STATS (317): how far groups are, compared and copied.

import ApusFormat
import ApusRemoting
import ApusServer
import ApusStore
import ApusSystem
import Synchronization

extension BrokerCore {
    /// From when to when messages of each queue are, and how long the next one has waited.
    func consumeTimeSpan(_ command: RemotingCommand) throws(Refusal) -> Response {
        let name = try command.fields.requiredText("topic")
        let group = try command.fields.requiredText("group")
        guard let topic = state.topics.topic(name) else {
            throw Refusal(.topicNotExist, "topic[\(name)] not exist")
        }
        var spans: [JSON] = []
        for id in topic.settings.writeQueueIDs {
            let place: JSONObject = [
                "brokerName": .string(configuration.name), "queueId": .integer(Int64(id)),
                "topic": .string(name),
            ]
            var members: JSONObject = ["messageQueue": .object(place)]
            let reached = max(0, state.offsets.offset(group: group, topic: name, queue: id) ?? 0)
            // -1: there is no such message.
            var (first, last, consumed, delay): (Int64, Int64, Int64, Int64) = (-1, -1, -1, 0)
            if let queue = try existingQueue(topic: name, id: id) {
                let (_, end, newest) = try bounds(queue)
                first = try earliestTime(queue)
                if newest > 0 { last = newest }
                consumed = reached > 0 ? storeTime(queue, at: reached - 1) : first
                let next = reached < end ? storeTime(queue, at: reached) : 0
                if next > 0 { delay = max(0, time.wallMilliseconds - next) }
            }
            members.append("minTimeStamp", .integer(first))
            members.append("maxTimeStamp", .integer(last))
            members.append("consumeTimeStamp", .integer(consumed))
            members.append("delayTime", .integer(delay))
            spans.append(.object(members))
        }
        return Response(json: ["consumeTimeSpanSet": .array(spans)])
    }

    /// The lowest offset of all groups but some, queue by queue; no bound where a group to compare
    /// with is behind it.
    func correctionOffsets(_ command: RemotingCommand) throws(Refusal) -> Response {
        let topic = try command.fields.requiredText("topic")
        let compared = try command.fields.requiredText("compareGroup")
        let left = Set(
            (command.fields["filterGroups"] ?? "").split(separator: ",").map(String.init))
        var lowest: [Int32: Int64] = [:]
        for (key, offsets) in state.offsets.all
        where key.topic == topic && !left.contains(key.group) {
            for (id, offset) in offsets {
                // What is not kept any more holds nobody up.
                guard let queue = try existingQueue(topic: topic, id: id),
                    offset >= (try bounds(queue).0)
                else { continue }
                lowest[id] = min(lowest[id] ?? .max, offset)
            }
        }
        for (id, offset) in state.offsets.offsets(group: compared, topic: topic) {
            if let found = lowest[id], found > offset { lowest[id] = .max }
        }
        var table = JSONObject()
        for (id, offset) in lowest.sorted(by: { $0.key < $1.key }) {
            table.append(Int(id), .integer(offset))
        }
        return Response(
            .success,
            body: JSON.object(["correctionOffsets": .object(table)]).bytes(.fastjson))
    }

    /// Gives a group the offsets of another one.
    func cloneOffsets(_ command: RemotingCommand) throws(Refusal) -> Response {
        let source = try command.fields.requiredText("srcGroup")
        let target = try command.fields.requiredText("destGroup")
        if let complaint = NameRules.complaint(group: target) {
            throw Refusal(.systemError, complaint)
        }
        let isOffline = command.fields.bool("offline", or: false)
        let wanted = command.fields["topic"].flatMap { $0.isEmpty ? nil : $0 }
        for topic in wanted.map({ [$0] }) ?? state.offsets.topics(ofGroup: source).sorted() {
            guard state.topics.topic(topic) != nil, isOffline || isConsumed(topic, by: source)
            else { continue }
            state.offsets.copy(from: source, to: target, topic: topic)
        }
        return Response(.success)
    }

    /// How far every group is in every topic.
    func brokerConsumeStatistics(_ command: RemotingCommand) throws(Refusal) -> Response {
        let onlyOrdered = command.fields.bool("isOrder", or: false)
        var list: [[UInt8]] = []
        var difference: Int64 = 0
        for group in state.groups.snapshot.groups.keys.sorted() {
            var tables: [[UInt8]] = []
            for name in state.offsets.topics(ofGroup: group).sorted() {
                guard let topic = state.topics.topic(name), isConsumed(name, by: group),
                    topic.settings.isOrdered || !onlyOrdered
                else { continue }
                var table = QueueTableWriter(brokerName: configuration.name)
                for id in topic.settings.writeQueueIDs {
                    difference = difference.saturatingAdd(
                        try append(topic: name, queue: id, group: group, to: &table))
                }
                let rate = traffic.rate(.groupGet(OffsetTable.Key(topic: name, group: group)))
                tables.append(table.end("\"consumeTps\":\(rate)"))
            }
            var entry = Array("{".utf8)
            JSON.string(group).write(into: &entry)
            entry += Array(":[".utf8) + Array(tables.joined(separator: Array(",".utf8)))
            list.append(entry + Array("]}".utf8))
        }
        var body = Array("{\"brokerAddr\":\"\(address)\",\"consumeStatsList\":[".utf8)
        body += Array(list.joined(separator: Array(",".utf8)))
        body += Array("],\"totalDiff\":\(difference),\"totalInflightDiff\":0}".utf8)
        return Response(.success, body: body)
    }
}
