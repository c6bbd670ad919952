// Which records' lines are asked for, by the processor that this runs on.

import ApusSystem
import Foundation
import Testing

@Test("lines of long records are left alone on AMD's processors only")
func prefetchLimit() throws {
    let text = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let isAMD = text.contains("AuthenticAMD")
    #expect(longestPrefetchedRecord == (isAMD ? 2560 : .max))
}
