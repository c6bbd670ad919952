// Says what was done, and ends the program when it went wrong.

import Foundation

/// Prints `what`, or fails with it when it does not hold.
func expect(_ holds: @autoclosure () throws -> Bool, _ what: String) rethrows {
    guard try holds() else { fail("not so: \(what)") }
    print(what)
}

func fail(_ text: String) -> Never {
    FileHandle.standardError.write(Data((text + "\n").utf8))
    exit(1)
}
