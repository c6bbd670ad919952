// What a server's process needs of the system: its signals, its streams, and its end.

private import CApus
private import Glibc

/// The process of a server.
package enum ServerProcess {
    /// The two that ask a server to end.
    private static var ending: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGINT)
        unsafe sigaddset(&set, SIGTERM)
        return set
    }

    /// Holds SIGINT and SIGTERM back for `waitForEnd`. Called before any thread starts, since
    /// threads inherit it. A peer that hangs up is an error of a write, not the end (SIGPIPE).
    package static func holdSignals() {
        var set = ending
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Calls `ended` with the signal's name when someone asks the process to end. Who asks a second
    /// time gets it at once: a shutdown that hangs holds nobody.
    package static func onEnd(
        _ ended: @escaping @Sendable (String) -> Void
    ) throws(DiskError) {
        _ = try SystemThread(name: "signals") {
            ended(wait() == SIGINT ? "SIGINT" : "SIGTERM")
            exit(128 + wait())
        }
    }

    private static func wait() -> Int32 {
        var set = ending
        var found: Int32 = 0
        while unsafe sigwait(&set, &found) != 0 {}
        return found
    }

    /// Blocks for ever. The main thread must not be given to the runtime's main queue, which opens
    /// it to every signal.
    package static func park() -> Never {
        while true { pause() }
    }

    /// The value of a variable of the environment; nil when it is not set or empty.
    package static func environment(_ name: String) -> String? {
        // Copied at once: a later change of the environment may move it.
        guard let value = unsafe getenv(name) else { return nil }
        let text = unsafe String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// Writes to standard output, unbuffered.
    package static func print(_ text: String) { write(text, to: 1) }

    /// Writes to standard error.
    package static func complain(_ text: String) { write(text, to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            // Nobody reads.
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    /// Ends the process.
    package static func exit(_ code: Int32) -> Never { Glibc.exit(code) }
}
