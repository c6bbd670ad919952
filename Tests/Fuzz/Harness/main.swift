// The fuzzer: libFuzzer around one target, chosen by name.
//
//     apusfuzz list | controls
//     apusfuzz TARGET SCRATCH [libFuzzer's arguments]
//     apusfuzz seeds STORE DIRECTORY
//
// Built only when APUS_FUZZ is set, with -sanitize=fuzzer,address. The planted faults in
// Control.swift are chosen the same way: they show that the fuzzer sees faults of their kind.

import FuzzTargets
import Glibc

let names = FuzzTarget.allCases.map(\.rawValue)
var arguments = CommandLine.arguments

// libFuzzer starts itself again to merge and to minimise, with its own arguments alone.
if let name = getenv("APUS_FUZZ_TARGET"), let path = getenv("APUS_FUZZ_SCRATCH") {
    arguments.insert(contentsOf: [String(cString: name), String(cString: path)], at: 1)
}
guard arguments.count >= 3 else {
    let isControls = arguments.dropFirst().first == "controls"
    for name in isControls ? Control.allCases.map(\.rawValue) : names { print(name) }
    exit(arguments.count == 2 ? 0 : 2)
}
do throws(FuzzFinding) {
    if arguments[1] == "seeds", arguments.count == 4 {
        try Seeds(store: FuzzScratch(path: arguments[2]), target: FuzzScratch(path: arguments[3]))
            .write()
        exit(0)
    }
    guard let chosen = Choice(arguments[1]) else {
        throw FuzzFinding("there is no \(arguments[1]); there are \(names.joined(separator: ", "))")
    }
    choice = chosen
    scratch = try FuzzScratch(path: "\(arguments[2])/\(chosen.name)-\(getpid())")
} catch {
    print(error)
    exit(2)
}
setenv("APUS_FUZZ_TARGET", arguments[1], 1)
setenv("APUS_FUZZ_SCRATCH", arguments[2], 1)
atexit { try? scratch?.remove() }
runFuzzer([arguments[0]] + arguments.dropFirst(3))
