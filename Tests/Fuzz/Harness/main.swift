// The fuzzer: libFuzzer around one target, chosen by name.
//
//     apusfuzz list
//     apusfuzz TARGET SCRATCH [libFuzzer's arguments]
//     apusfuzz seeds STORE DIRECTORY
//
// Built only when APUS_FUZZ is set, with -sanitize=fuzzer,address. The faults in Control.swift
// are chosen the same way: they show that the fuzzer sees faults of their kind.

import FuzzTargets
import Glibc

let arguments = CommandLine.arguments
let names = FuzzTarget.allCases.map(\.rawValue)

guard arguments.count >= 3 else {
    for name in arguments.dropFirst().first == "controls" ? Control.allCases.map(\.rawValue) : names
    {
        print(name)
    }
    exit(arguments.count == 2 ? 0 : 2)
}
if arguments[1] == "seeds", arguments.count == 4 {
    do throws(FuzzFinding) {
        try Seeds(store: FuzzScratch(path: arguments[2]), target: FuzzScratch(path: arguments[3]))
            .write()
        exit(0)
    } catch {
        print(error)
        exit(1)
    }
}
guard let chosen = Choice(arguments[1]) else {
    print("there is no target \(arguments[1]); there are \(names.joined(separator: ", "))")
    exit(2)
}
choice = chosen
do throws(FuzzFinding) {
    scratch = try FuzzScratch(path: "\(arguments[2])/\(chosen.name)-\(getpid())")
} catch {
    print(error)
    exit(2)
}
atexit {
    try? scratch?.remove()
}
runFuzzer([arguments[0]] + arguments.dropFirst(3))
