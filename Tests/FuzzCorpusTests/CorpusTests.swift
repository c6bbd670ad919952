// The committed corpora of the fuzzer, through the same entry points: what once made a decoder fail
// stays a test of every run.

import Foundation
import FuzzTargets
import TestSupport
import Testing

private let corpora = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fuzz/corpus")

private func inputs(of target: FuzzTarget) throws -> [URL] {
    try FileManager.default.contentsOfDirectory(
        at: corpora.appending(path: target.rawValue), includingPropertiesForKeys: nil)
}

@Suite("the corpora of the fuzzer") struct CorpusTests {
    @Test("every input is taken without a trap and as it should be", arguments: FuzzTarget.allCases)
    func corpus(target: FuzzTarget) throws {
        let directory = try TemporaryDirectory()
        let scratch = try FuzzScratch(path: "\(directory.path)/store")
        let files = try inputs(of: target)
        #expect(!files.isEmpty)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            do {
                try target.run(bytes.span.bytes, scratch)
            } catch {
                Issue.record("\(file.lastPathComponent): \(error)")
            }
        }
    }

    @Test("each target takes nothing at all, and bytes of one kind", arguments: FuzzTarget.allCases)
    func plain(target: FuzzTarget) throws {
        let directory = try TemporaryDirectory()
        let scratch = try FuzzScratch(path: "\(directory.path)/store")
        for count in [0, 1, 8, 40, 91, 4096] {
            for byte: UInt8 in [0, 1, 2, 0x7F, 0x80, 0xFF] {
                let bytes = [UInt8](repeating: byte, count: count)
                do {
                    try target.run(bytes.span.bytes, scratch)
                } catch {
                    Issue.record("\(count) times \(byte): \(error)")
                }
            }
        }
    }

    @Test("they stay small: together less than 1 MiB")
    func size() throws {
        var total = 0
        for target in FuzzTarget.allCases {
            for file in try inputs(of: target) { total += try Data(contentsOf: file).count }
        }
        #expect(total < 1 << 20)
    }
}
