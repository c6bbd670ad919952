// Between libFuzzer and the targets.

import FuzzTargets
import Glibc

/// What is fuzzed: a target, or a planted fault.
enum Choice {
    case target(FuzzTarget)
    case control(Control)

    init?(_ name: String) {
        if let target = FuzzTarget(rawValue: name) {
            self = .target(target)
        } else if let control = Control(rawValue: name) {
            self = .control(control)
        } else {
            return nil
        }
    }

    var name: String {
        switch self {
        case .target(let target): target.rawValue
        case .control(let control): control.rawValue
        }
    }
}

// Set once in main.swift, before the fuzzer calls back; libFuzzer runs inputs on one thread.
nonisolated(unsafe) var choice = Choice.target(.record)
// As above.
nonisolated(unsafe) var scratch: FuzzScratch?

/// Runs one input. libFuzzer hands in memory of exactly its length, so a read beyond it is seen
/// by AddressSanitizer.
private func runInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let scratch, let bytes else { return 0 }
    let input = RawSpan(_unsafeStart: bytes, byteCount: count)
    do throws(FuzzFinding) {
        switch choice {
        case .target(let target): try target.run(input, scratch)
        case .control(let control): try control.run(input)
        }
    } catch {
        let text = "finding in \(choice.name): \(error)\n"
        _ = text.withCString { write(2, $0, strlen($0)) }
        abort()
    }
    return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func driver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Hands over to libFuzzer, which ends the process.
func runFuzzer(_ arguments: [String]) -> Never {
    var count = CInt(arguments.count)
    let memory = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
        .allocate(capacity: arguments.count + 1)
    for (place, argument) in arguments.enumerated() { memory[place] = strdup(argument) }
    memory[arguments.count] = nil
    var list = memory
    let code = driver(&count, &list) { runInput($0, $1) }
    exit(code)
}
