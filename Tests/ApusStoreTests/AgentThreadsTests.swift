// Which of a store's own threads leave the processor to others.

import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

/// Nice values of the process's threads, by name; those of other tests' stores have the same names.
private func niceValues() throws -> [String: Set<Int>] {
    var found: [String: Set<Int>] = [:]
    for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
        let path = "/proc/self/task/\(task)/stat"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8),
            let open = text.firstIndex(of: "("), let close = text.lastIndex(of: ")")
        else { continue }
        let name = String(text[text.index(after: open)..<close])
        // Behind the name: state is the third field of all, and nice the nineteenth.
        let fields = text[text.index(close, offsetBy: 2)...].split(separator: " ")
        if name.hasPrefix("apus-"), let nice = Int(fields[16]) {
            found[name, default: []].insert(nice)
        }
    }
    return found
}

@Test("threads that nobody waits for stand back, and those that somebody may wait for do not")
func threadsStandBack() throws {
    let directory = try TemporaryDirectory()
    let store = try MessageStore.open(
        directory.path,
        tinyConfiguration {
            $0.threads = .own
            $0.flush.mode = .sync
        })
    try store.append(message(0))
    let own = Int(getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))
    let back = max(10, own)
    let names = ["prepare", "make", "flush", "clean", "zero"].map { "apus-\($0)" }
    let others = ["commit", "tell", "extend", "index"].map { "apus-\($0)" }
    // A thread says its name when it comes to run, and stands back then.
    let deadline = Date() + 20
    var found = try niceValues()
    while Date() < deadline,
        !names.allSatisfy({ found[$0]?.contains(back) == true })
            || !others.allSatisfy({ found[$0] != nil })
    {
        SystemThread.sleep(nanoseconds: 5_000_000)
        found = try niceValues()
    }
    for name in names { #expect(found[name]?.contains(back) == true, "\(name): \(found)") }
    for name in others { #expect(found[name] == [own], "\(name): \(found)") }
    try store.close()
}
