// The names of RocketMQ's releases.

import Testing

@testable import ApusServer

@Suite("Releases")
struct ReleaseTests {
    @Test("releases have RocketMQ's names")
    func releases() {
        let names: [Int32: String] = [
            0: "V3_0_0_SNAPSHOT", 15: "V3_0_0_FINAL", 16: "V3_0_1_SNAPSHOT", 45: "V3_0_15",
            46: "V3_1_0_SNAPSHOT", 85: "V3_2_9", 86: "V3_3_1_SNAPSHOT", 211: "V3_9_9",
            212: "V4_0_0_SNAPSHOT", 401: "V4_9_4", 412: "V5_0_0_SNAPSHOT", 479: "V5_3_3",
            611: "V5_9_9", 612: "HIGHER_VERSION", 9_999: "HIGHER_VERSION", -1: "UNKNOWN",
        ]
        for (number, name) in names { #expect(Release.name(number) == name) }
    }
}
