// The two threads in C that appends in flight are held against: they write what they acknowledge.

import CRoofline
import Foundation
import TestSupport
import Testing

@testable import mqbench

@Suite("two threads in C, of which one appends and one commits") struct CommitsInCTests {
    private static let byteCount = 1 << 20
    private let directory: TemporaryDirectory
    private let message = SampleMessages(bodyByteCount: 100)

    init() throws { directory = try TemporaryDirectory() }

    private func commit(
        to path: String, byteCount: Int = byteCount, inFlight: Int, gathers: Int32
    ) -> (code: Int32, result: croofline_commits) {
        var fields = message.c
        var result = croofline_commits()
        let code = croofline_commit(
            path, Int64(byteCount), &fields, Int64(inFlight), gathers, 0.2, &result)
        return (code, result)
    }

    @Test(
        "leave each record that they acknowledged in the file, lap by lap",
        arguments: [(1, Int32(0)), (8, 0), (8, 1), (300, 1)])
    func records(inFlight: Int, gathers: Int32) throws {
        let path = "\(directory.path)/device"
        #expect(croofline_prepare(path, Int64(Self.byteCount)) == 0)
        let (code, result) = commit(to: path, inFlight: inFlight, gathers: gathers)
        #expect(code == 0)
        #expect(result.per_sync >= 1 && result.per_sync <= Double(inFlight))
        #expect(result.mean_nanoseconds > 0)
        let bytes = Array(try Data(contentsOf: URL(fileURLWithPath: path)))
        func number(at offset: Int) -> Int {
            bytes[offset..<offset + 8].reduce(0) { $0 << 8 | Int($1) }
        }
        let size = message.recordByteCount
        let lap = Self.byteCount / size
        let first = number(at: 20)
        #expect(first % lap == 0)
        // Behind the newest record lie those of the lap before, or zeros.
        var count = 0
        while count < lap, number(at: count * size + 20) == first + count {
            let record = bytes[count * size..<(count + 1) * size]
            #expect(number(at: count * size + 28) == (first + count) * size)
            let body = (first + count) % message.kinds * message.bodyByteCount
            #expect(
                record.dropFirst(88).prefix(100) == message.bodies[body..<body + 100])
            count += 1
        }
        // The time of a run is known to somewhat more than what it was asked to take.
        #expect(Double(first + count) >= result.per_second * 0.2)
    }

    @Test("say why they cannot, where the file is missing or no write can be made durable")
    func refusals() throws {
        #expect(commit(to: "\(directory.path)/missing", inFlight: 2, gathers: 0).code == ENOENT)
        #expect(commit(to: "/dev/full", inFlight: 2, gathers: 1).code == EOPNOTSUPP)
    }

    @Test("refuse a file that holds no record, or not whole pages, and nothing in flight")
    func contradictions() throws {
        let path = "\(directory.path)/device"
        #expect(croofline_prepare(path, Int64(Self.byteCount)) == 0)
        for byteCount in [-4096, 0, 100, 5000] {
            let code = commit(to: path, byteCount: byteCount, inFlight: 2, gathers: 0).code
            #expect(code == EINVAL, "\(byteCount)")
        }
        #expect(commit(to: path, inFlight: 0, gathers: 0).code == EINVAL)
    }
}
