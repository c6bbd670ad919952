// Appenders that give their processors away between two appends.

import ApusSystem
import Synchronization
import TestSupport
import Testing

@testable import ApusStore

@Suite("a thread that appends", .timeLimit(.minutes(1))) struct AppenderShareTests {
    private final class Bench: Sendable {
        let directory: TemporaryDirectory
        let store: MessageStore
        let queue: MessageQueue

        init() throws {
            directory = try TemporaryDirectory()
            store = try MessageStore.open(directory.path, .small)
            queue = try store.queue(topic: "T", id: 0)
        }

        func append(_ form: Form) throws {
            let body = [UInt8](repeating: 7, count: form == .long ? 4096 : 16)
            switch form {
            case .short, .long: try store.append(to: queue, body: body.span.bytes)
            case .batch:
                try store.append(batch: [Message(topic: "T", body: body)])
            }
        }
    }

    enum Form: CaseIterable, Sendable { case short, long, batch }

    /// Whether an append begins the share of its thread anew, which was over: the second append of
    /// that thread, after `between` ran.
    private func begins(
        _ bench: Bench, _ form: Form, between: @escaping @Sendable () throws -> Void
    ) throws -> Bool? {
        let found = Mutex<Bool?>(nil)
        let thread = try SystemThread(name: "appender") {
            do {
                try bench.append(form)
                SystemThread.sleep(nanoseconds: 2_000_000)
                try between()
                let now = steadyNanoseconds()
                #expect(ProcessorShare.isOwnOver(at: now))
                try bench.append(form)
                found.withLock { $0 = !ProcessorShare.isOwnOver(at: now) }
            } catch { Issue.record(error) }
        }
        thread.join()
        return found.withLock { $0 }
    }

    @Test(
        "ends its share of a processor where another one appended before it",
        arguments: Form.allCases)
    func ends(form: Form) throws {
        let bench = try Bench()
        defer { try? bench.store.close() }
        let other: @Sendable () throws -> Void = {
            let thread = try SystemThread(name: "other") {
                do { try bench.append(.short) } catch { Issue.record(error) }
            }
            thread.join()
        }
        #expect(try begins(bench, form, between: other) == true)
    }

    @Test("keeps its share where it appends alone", arguments: Form.allCases)
    func keeps(form: Form) throws {
        let bench = try Bench()
        defer { try? bench.store.close() }
        #expect(try begins(bench, form, between: {}) == false)
    }
}
