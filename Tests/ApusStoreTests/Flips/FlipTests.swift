// One bit turned, in each kind of byte of each kind of file: told, harmless, or in the list of what
// the format does not cover.
//
// FLIPS=100000 makes that many, of SEED; FLIPS_RECORD=file appends a line to a ledger.

import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// A flip that is not as it should be.
private struct Failure: CustomStringConvertible {
    let store: String
    let kind: ByteClass
    let place: FlipStore.Place
    let outcome: String

    var description: String {
        "\(store), \(kind): bit \(place.bit) of byte \(place.byte) of \(place.path): \(outcome)"
    }
}

/// Turns bits and counts.
private struct FlipRun {
    private(set) var failures: [Failure] = []
    private(set) var flips = 0
    /// By class: how many flips had which outcome.
    private(set) var counts: [ByteClass: [FlipOutcome: Int]] = [:]

    mutating func flip(
        _ store: FlipStore, _ kind: ByteClass, using numbers: inout SeededNumbers
    ) throws {
        guard let (path, byte) = store.places[kind]?.randomElement(using: &numbers) else { return }
        let place = FlipStore.Place(
            path: path, byte: byte, bit: Int.random(in: 0..<8, using: &numbers))
        let reads = Int.random(in: 0..<10, using: &numbers) == 0
        let (outcome, isServedWrong) = try store.outcome(of: place, reads: reads)
        flips += 1
        counts[kind, default: [:]][outcome, default: 0] += 1
        let isUncovered = kind.isRecord && ByteClass.uncovered[kind.name] != nil
        let isRepeated = kind.isRecord && ByteClass.repeated[kind.name] != nil
        let isFailure =
            if kind.isRecord && store.isChecked {
                !outcome.isDetected || isServedWrong
            } else if kind.isRecord, ByteClass.queued.contains(kind.name), !store.isClosed {
                !outcome.isDetected
            } else if isRepeated {
                !outcome.isDetected && store.isClosed
            } else {
                !isUncovered && (outcome == .missed || outcome == .silent || isServedWrong)
            }
        guard isFailure else { return }
        failures.append(
            Failure(
                store: store.name, kind: kind, place: place,
                outcome: isServedWrong ? "\(outcome), served wrong" : "\(outcome)"))
    }
}

@Suite("a turned bit", .serialized) struct FlipTests {
    @Test("is told or harmless, but for bytes that the format does not cover")
    func flips() throws {
        var numbers = SeededNumbers.printed()
        let environment = ProcessInfo.processInfo.environment
        let wanted = environment["FLIPS"].flatMap { Int($0) } ?? 1_200
        let began = Date()
        var stores: [FlipStore] = []
        for isClosed in [true, false] {
            for isChecked in [true, false] {
                stores.append(try FlipStore(isClosed: isClosed, isChecked: isChecked))
            }
        }
        let kinds = Set(stores.flatMap(\.places.keys)).sorted()
        var run = FlipRun()
        while run.flips < wanted {
            for kind in kinds where run.flips < wanted {
                let store = stores[run.flips % stores.count]
                let other = stores.first { $0.places[kind] != nil } ?? store
                try run.flip(store.places[kind] != nil ? store : other, kind, using: &numbers)
            }
            // The number of kinds and of stores may have a divisor in common.
            stores.append(stores.removeFirst())
        }
        for failure in run.failures.prefix(20) { Issue.record("\(failure)") }
        #expect(run.failures.isEmpty)
        #expect(kinds.count > 60)
        if environment["FLIPS"] != nil { report(run, kinds) }
        if wanted >= 20_000 {
            for name in ByteClass.uncovered.keys {
                let counts = run.counts[ByteClass("record", name)] ?? [:]
                #expect(counts[.silent] ?? 0 > 0, "\(name) is covered: take it off the list")
            }
        }
        if let path = environment["FLIPS_RECORD"] {
            try record(run, numbers.seed, seconds: Date().timeIntervalSince(began), to: path)
        }
    }

    private func report(_ run: FlipRun, _ kinds: [ByteClass]) {
        for kind in kinds {
            let counts = run.counts[kind] ?? [:]
            let words = counts.sorted { $0.value > $1.value }.map { "\($0.key) \($0.value)" }
            print("\(kind): \(words.joined(separator: ", "))")
        }
    }

    private func record(
        _ run: FlipRun, _ seed: UInt64, seconds: Double, to path: String
    ) throws {
        func text(_ program: String, _ arguments: [String]) -> String {
            let data = (try? TestSupport.run(program, arguments)) ?? nil
            return String(decoding: data ?? Data(), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
        }
        let commit = text("/usr/bin/git", ["describe", "--always", "--dirty", "--abbrev=12"])
        let machine =
            text("/bin/uname", ["-sr"])
            + " \(ProcessInfo.processInfo.processorCount) CPUs"
        let line =
            "{\"layer\":\"flips\",\"what\":\"one bit in each kind of byte of each kind of file\","
            + "\"seeds\":\"\(seed)\",\"states\":\(run.flips),\"failures\":\(run.failures.count),"
            + "\"commit\":\"\(commit)\",\"seconds\":\(Int(seconds)),"
            + "\"date\":\"\(Date().ISO8601Format())\",\"machine\":\"\(machine)\"}\n"
        let file = URL(filePath: path)
        let before = (try? Data(contentsOf: file)) ?? Data()
        try (before + Data(line.utf8)).write(to: file)
    }
}
