// Which of a store's own threads leave the processor to others.

import Foundation
import TestSupport
import Testing

@testable import ApusStore

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
    // Names of threads and their nice values; those of other tests' stores are the same.
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
    let own = getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0)
    let back = max(10, Int(own))
    for name in ["prepare", "flush", "clean", "zero"] {
        #expect(found["apus-\(name)"]?.contains(back) == true, "\(name): \(found)")
    }
    for name in ["commit", "tell", "extend", "index"] {
        #expect(found["apus-\(name)"] == [Int(own)], "\(name): \(found)")
    }
    try store.close()
}
