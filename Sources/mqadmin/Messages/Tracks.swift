// Which groups have consumed a message.

import ApusFormat
import ApusRemoting

/// How a group stands to a message.
struct Track: Sendable {
    let group: String
    /// In RocketMQ's words.
    let state: String
    let reason: String?

    var text: String {
        "MessageTrack [consumerGroup=\(group), trackType=\(state), exceptionDesc="
            + "\(reason ?? "null")]"
    }

    var json: JSON {
        .object([
            "consumerGroup": .string(group), "trackType": .string(state),
            "exceptionDesc": reason.map { .string($0) } ?? .null,
        ])
    }
}

extension Admin {
    /// Each group that consumes the message's topic.
    func tracks(_ message: StoredMessage) async throws(AdminError) -> [Track] {
        let route = try await route(of: message.topic)
        var tracks: [Track] = []
        for group in try await groups(consuming: message.topic, route) {
            do throws(AdminError) {
                let clients = try await consumers(of: group)
                tracks.append(try await track(message, group, clients, route))
            } catch {
                let code: ResponseCode? =
                    if case .refused(_, _, let code, _) = error { code } else { nil }
                let state =
                    switch code {
                    case .consumerNotOnline: "NOT_ONLINE"
                    case .broadcastConsumption: "CONSUME_BROADCASTING"
                    default: "UNKNOWN"
                    }
                tracks.append(Track(group: group, state: state, reason: "\(error)"))
            }
        }
        return tracks
    }

    private func track(
        _ message: StoredMessage, _ group: String, _ clients: JSON, _ route: Route
    ) async throws(AdminError) -> Track {
        if clients["consumeType"]?.string == "CONSUME_ACTIVELY" {
            return Track(group: group, state: "PULL", reason: nil)
        }
        if clients["messageModel"]?.string == "BROADCASTING" {
            return Track(group: group, state: "CONSUME_BROADCASTING", reason: nil)
        }
        let place = message.fields
        let holder = route.brokers.first {
            $0.addresses.values.contains(place.storeHost.description)
        }
        let statistics = try await consumeStatistics(group: group, topic: message.topic)
        let row = statistics.rows.first {
            $0.queue.id == place.queueID && $0.queue.topic == message.topic
                && $0.queue.broker == holder?.name
        }
        // Who did not answer may know more.
        if row == nil, let failure = statistics.failures.first { throw failure }
        guard let row, row.consumerOffset > place.queueOffset else {
            return Track(group: group, state: "NOT_CONSUME_YET", reason: nil)
        }
        let tags = (clients["subscriptionTable"]?[message.topic]?["tagsSet"]?.array ?? [])
            .compactMap(\.string)
        let isWanted =
            tags.isEmpty || tags.contains("*") || message.tags.map { tags.contains($0) } == true
        return Track(
            group: group, state: isWanted ? "CONSUMED" : "CONSUMED_BUT_FILTERED", reason: nil)
    }
}

extension Call {
    /// Prints a message, and who has consumed it.
    func show(
        _ message: StoredMessage, _ format: BodyFormat, withOffsetID: Bool = true
    ) async throws -> JSON {
        let tracks = try await attempt { try await admin.tracks(message) }
        if isJSON {
            var members = message.json(broker: nil, format).object ?? JSONObject()
            members.append("tracks", .array((tracks ?? []).map(\.json)))
            return .object(members)
        }
        for line in message.lines(format, withOffsetID: withOffsetID) { self.line(line) }
        line()
        if let tracks {
            if tracks.isEmpty { line("WARN: No Consumer") }
            for track in tracks { line(track.text) }
        }
        line()
        return .null
    }
}
