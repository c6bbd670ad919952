// Ids as text, against those that `OffsetMessageID` writes.

import ApusFormat
import Testing

@testable import ApusRemoting

@Suite("the text of a message id") struct MessageIDTextTests {
    @Test(
        "is that of the id",
        arguments: [
            HostAddress(ipv4: 0x0A00_0002, port: 10911), HostAddress(ipv4: .max, port: -1),
            HostAddress(high: 0x2001_0DB8_0000_0000, low: 2, port: 10911),
        ], [0, 4096, Int64.max, -1])
    func same(host: HostAddress, offset: Int64) {
        let id = OffsetMessageID(storeHost: host, physicalOffset: offset)
        let text = MessageIDText(hostOf: id.storeHost).with(offset: id.physicalOffset)
        #expect(String(decodingUTF8: text.bytes) == id.text)
    }
}
