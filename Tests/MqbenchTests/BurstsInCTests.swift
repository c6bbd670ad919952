// What a thread that appends nothing is measured beside: bursts to the device, at even times.

import CRoofline
import Foundation
import TestSupport
import Testing

@Suite("bursts to the device") struct BurstsInCTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("come to the bytes that were asked for, and leave no file", arguments: [0, 64 << 20])
    func rate(fileByteCount: Int64) {
        let path = "\(directory.path)/bursts"
        let burst: Int64 = 3 << 20
        let interval: Int64 = 50_000_000
        let start = croofline_now()
        let rate = croofline_burst_write(path, fileByteCount, burst, interval, 0.5)
        let seconds = Double(croofline_now() - start) / 1e9
        // The first at once, and no more than were due; fewer on a slow device.
        let most = Double(10 * burst) / 0.5
        #expect(rate <= most * 1.001 && rate * seconds >= Double(burst), "\(rate) a second")
        #expect(seconds >= 0.5)
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("fail with what the system says where nothing can be written")
    func fails() {
        let path = "\(directory.path)/not/there"
        #expect(croofline_burst_write(path, 0, 1, 1, 0.1) == -Double(ENOENT))
    }
}
