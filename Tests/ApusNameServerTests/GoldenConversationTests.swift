// The conversations of the C++ and Java clients, and of Java's broker, with Java's NameServer
// 5.3.3, held with ours: it answers what Java's answered.

import ApusFormat
import ApusRemoting
import Foundation
import Testing

@testable import ApusNameServer

/// One request with Java's answer, header and body as text.
private struct Exchange: Decodable {
    struct Frame: Decodable {
        let header: String
        let body: String

        func command() throws -> RemotingCommand {
            let json = try JSON(parsing: header)
            var fields: HeaderFields = [:]
            for field in json["extFields"]?.object?.members ?? [] {
                fields[field.name] = field.value.string
            }
            return RemotingCommand(
                code: json["code"]?.int32 ?? -1, version: json["version"]?.int32 ?? 0,
                flags: json["flag"]?.int32 ?? 0, remark: json["remark"]?.string, fields: fields,
                body: Array(body.utf8))
        }
    }
    let request: Frame
    let response: Frame
}

private func conversation(_ name: String) throws -> [Exchange] {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "Golden/\(name).ndjson")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map {
        try JSONDecoder().decode(Exchange.self, from: Data($0.utf8))
    }
}

/// What a body registers.
private func registered(_ command: RemotingCommand) throws -> [String: TopicQueues] {
    guard command.requestCode == .registerBroker else { return [:] }
    return try RegistrationBody.parse(
        command.body.rawSpan, isCompressed: false, brokerVersion: command.version
    ).topics
}

@Test("our answers hold what Java's held", arguments: ["cpp-client", "java-client"])
func goldenConversation(name: String) async throws {
    let exchanges = try conversation(name)
    let requests = try exchanges.map { try $0.request.command() }
    try await withServer { harness in
        // The broker had registered before the capture began: with all that it says later, but what
        // it says on its own in between, which is new then.
        var known: [String: TopicQueues] = [:]
        for request in requests where try registered(request).count > 1 {
            known.merge(try registered(request)) { first, _ in first }
        }
        for request in requests where try registered(request).count == 1 {
            for topic in try registered(request).keys { known[topic] = nil }
        }
        let first = try #require(requests.first { $0.requestCode == .registerBroker })
        _ = try await harness.ask(.registerBroker, first.fields.withoutChecksum, body: body(known))
        for (exchange, request) in zip(exchanges, requests) {
            let theirs = try exchange.response.command()
            let ours = try await harness.client.invoke(request, on: harness.address)
            #expect(ours.code == theirs.code, "\(exchange.request.header)")
            #expect(ours.remark == theirs.remark)
            #expect(ours.fields == theirs.fields)
            #expect(
                String(decoding: ours.body, as: UTF8.self) == exchange.response.body,
                "\(exchange.request.header)")
        }
    }
}

extension HeaderFields {
    fileprivate var withoutChecksum: HeaderFields {
        var fields = self
        fields["bodyCrc32"] = nil
        return fields
    }
}

private func body(_ topics: [String: TopicQueues]) -> [UInt8] {
    let table = topics.map { name, queues in
        #""\#(name)":{"perm":\#(queues.permission.rawValue),"#
            + #""readQueueNums":\#(queues.readQueueCount),"topicName":"\#(name)","#
            + #""writeQueueNums":\#(queues.writeQueueCount)}"#
    }
    return Array(
        #"{"topicConfigSerializeWrapper":{"topicConfigTable":{\#(table.joined(separator: ","))}}}"#
            .utf8)
}
