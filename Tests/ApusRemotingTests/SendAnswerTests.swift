// The answer to a send is written in one step: it has the same bytes as field by field.

import ApusFormat
import NIOCore
import Testing

@testable import ApusRemoting

@Suite("answers to sends") struct SendAnswerTests {
    private static let host = HostAddress(ipv4: 0x0A00_0002, port: 10911)

    private static func bytes(_ write: (inout Outbound) -> Void) -> [UInt8] {
        var outbound = Outbound()
        write(&outbound)
        return outbound.take().map { Array($0.readableBytesView) } ?? []
    }

    /// Both ways.
    private static func check(
        host: HostAddress, offset: Int64, queue: Int32, queueOffset: Int64, id: String,
        code: ResponseCode, key: ReplyKey
    ) {
        let form = SendAnswerForm(
            messageIDHead: MessageIDText(hostOf: host),
            fields: PreparedFields("MSG_REGION", "a \"region\"", ("TRACE_ON", "true")))
        let id = Array(id.utf8)
        let found = bytes { outbound in
            // What is there already stays.
            outbound.append(RemotingCommand.request(.heartBeat))
            outbound.append(
                SendAnswer(
                    physicalOffset: offset, queueID: queue, queueOffset: queueOffset,
                    transactionID: id.rawSpan), code, form, to: key)
        }
        let text = OffsetMessageID(storeHost: host, physicalOffset: offset).text
        let wanted = bytes { outbound in
            outbound.append(RemotingCommand.request(.heartBeat))
            outbound.append(
                HeaderNumbers(answering: key, code), remark: nil, key.serialization
            ) { fields in
                fields.append("msgId", text)
                fields.append("MSG_REGION", "a \"region\"")
                fields.append("TRACE_ON", "true")
                fields.append("queueId", queue)
                fields.append("queueOffset", queueOffset)
                fields.append("transactionId", id.rawSpan)
            }
        }
        #expect(found == wanted)
    }

    @Test(
        "are those that are written field by field",
        arguments: [
            "", "short", "C00002021FBC5FFD2B276ED61BA4001B", "with \"quotes\" and more of it",
            "a control character \u{1} in it", "sixteen charact.", "the last one is DEL\u{7F}",
            "a backslash \\ beyond the beginning", "żółć and other things beyond ASCII",
        ],
        [
            HostAddress(ipv4: 0x0A00_0002, port: 10911),
            HostAddress(high: 0x2001_0DB8_0000_0000, low: 2, port: 10911),
        ])
    func same(id: String, host: HostAddress) {
        for serialization in HeaderSerialization.allCases {
            for (opaque, number): (Int32, Int64) in [
                (0, 0), (7, 9), (-1, -1), (.max, .max), (.min, .min), (1_000_000_000, 123_456_789),
            ] {
                Self.check(
                    host: host, offset: number, queue: Int32(truncatingIfNeeded: number),
                    queueOffset: number, id: id, code: .success,
                    key: ReplyKey(
                        opaque: opaque, serialization: serialization, isOneWay: false))
            }
        }
    }

    @Test("are so when the device was too slow", arguments: HeaderSerialization.allCases)
    func slow(serialization: HeaderSerialization) {
        Self.check(
            host: Self.host, offset: 4_096, queue: 3, queueOffset: 12,
            id: "C00002021FBC5FFD2B276ED61BA4001B", code: .flushDiskTimeout,
            key: ReplyKey(opaque: 5, serialization: serialization, isOneWay: false))
    }
}
