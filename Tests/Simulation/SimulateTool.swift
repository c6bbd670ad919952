// `simulate`: runs the layers that need no device, from seeds.

import Foundation

/// The program.
public enum SimulateTool {
    public static func main() {
        let count = Int(ProcessInfo.processInfo.environment["STATES"] ?? "") ?? 1000
        var seed = UInt64(ProcessInfo.processInfo.environment["SEED"] ?? "") ?? 1
        var states = 0
        var failures = 0
        let start = Date()
        SimulatedDisk.isTracing = ProcessInfo.processInfo.environment["TRACE"] != nil
        while states < count {
            var lineage = Lineage(seed: seed)
            do { try lineage.run() } catch {
                failures += 1
                print("seed \(seed) (\(lineage.options)): \(error)")
                if ProcessInfo.processInfo.environment["TRACE"] != nil {
                    for line in SimulatedDisk.traces.suffix(400) { print(line) }
                }
                if failures > 10 { exit(1) }
            }
            states += lineage.states
            seed += 1
        }
        let seconds = Date().timeIntervalSince(start)
        print("\(states) states, \(failures) failures, \(seconds) s, \(Double(states)/seconds) /s")
        exit(failures == 0 ? 0 : 1)
    }
}
