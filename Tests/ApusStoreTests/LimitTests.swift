// What the process may open is held against what a store has, and running out of it is an error to
// one caller.

import ApusSystem
import Foundation
import TestSupport
import Testing

@testable import ApusStore

private let roomy = ProcessLimits(
    descriptorLimit: 1_000, descriptorsInUse: 10, mappingLimit: 65_530, mappingsInUse: 400)

@Suite("the limits of the process") struct LimitTests {
    let directory: TemporaryDirectory
    let disk = FaultyDisk()
    let listener = Listener()

    init() throws {
        directory = try TemporaryDirectory()
        let store = try MessageStore.open(directory.path, tinyConfiguration())
        for number in 0..<1_500 { try store.append(message(number, queue: Int32(number % 10))) }
        try store.close()
    }

    private func open() throws -> MessageStore {
        try MessageStore.open(
            directory.path, tinyConfiguration(), observer: listener, disk: disk, time: .system)
    }

    private var told: [LimitForecast] {
        listener.events.compactMap { if case .limitNear(let one) = $0 { one } else { nil } }
    }

    @Test("are those that the system tells")
    func current() throws {
        let limits = try #require(ProcessLimits.current())
        #expect(limits.descriptorsInUse > 2 && limits.descriptorsInUse < limits.descriptorLimit)
        #expect(limits.mappingsInUse > 10 && limits.mappingsInUse < limits.mappingLimit)
        let opened = try (0..<20).map { _ in try SystemDisk().open("/dev/null", .readOnly) }
        // Other tests open and close files meanwhile.
        #expect(try #require(ProcessLimits.current()).descriptorsInUse > 20)
        for file in opened { file.close() }
    }

    @Test("are no matter while the store stays below four fifths of them")
    func roomyLimits() throws {
        disk.pretend(limits: roomy)
        try open().close()
        #expect(told.isEmpty)
    }

    @Test("are told of when the store may come near them", arguments: ProcessResource.allCases)
    func near(resource: ProcessResource) throws {
        // 5 segments, 4 index files and 10 queues need some 36.
        var limits = roomy
        if resource == .descriptors {
            limits.descriptorLimit = 50
        } else {
            limits.mappingLimit = 450
        }
        disk.pretend(limits: limits)
        try open().close()
        #expect(told.count == 1 && told.first?.resource == resource)
        let one = try #require(told.first)
        #expect(one.needed >= 5 + 4 + 2 * 10 && one.needed < 50)
        #expect("\(one)".contains("may need \(one.needed)"))
    }

    @Test(
        "refuse a store whose log and index alone are beyond them",
        arguments: ProcessResource.allCases)
    func beyond(resource: ProcessResource) throws {
        var limits = roomy
        if resource == .descriptors {
            limits.descriptorLimit = 20
        } else {
            limits.mappingLimit = 410
        }
        disk.pretend(limits: limits)
        do throws(StoreError) {
            _ = try MessageStore.open(
                directory.path, tinyConfiguration(), observer: nil, disk: disk, time: .system)
            Issue.record("opened")
        } catch {
            guard case .limitTooLow(let forecast) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(
                forecast.resource == resource && forecast.needed > forecast.limit - forecast.inUse)
        }
        disk.pretend(limits: roomy)
        try open().close()
    }

    @Test(
        "reached at a later open are an error to one caller, and the store goes on",
        arguments: [("open", Int32(24)), ("map", 12)])
    func later(operation: String, code: Int32) throws {
        let store = try open()
        let old = try store.queue(topic: "Orders", id: 3)
        try store.append(message(1, queue: 3))
        #expect(try store.read(old, from: 150).count == 1)
        disk.fail(Fault(operation: operation, path: "/consumequeue/", code: code))
        do throws(StoreError) {
            try store.append(message(2, topic: "New"))
            Issue.record("appended")
        } catch {
            guard case .limitReached(let cause) = error else {
                Issue.record("\(error)")
                return
            }
            #expect(cause.code == code)
        }
        try store.append(message(2, queue: 3))
        #expect(try store.read(old, from: 151).count == 1)
        disk.fail(nil)
        #expect(try store.append(message(2, topic: "New")).queueOffset == 0)
        try store.close()
        let again = try open()
        #expect(try again.maximumOffset(again.queue(topic: "Orders", id: 3)) == 152)
        #expect(try again.maximumOffset(again.queue(topic: "New")) == 1)
        try again.close()
    }
}

/// Sets how many descriptors the process may have; the hard limit stays.
private func limitDescriptors(to count: Int) {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = rlim_t(count)
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

@Suite("a process that runs out of descriptors") struct DescriptorTests {
    @Test("may have as many as whoever started it allows, when it is a server's")
    func raises() async {
        await #expect(processExitsWith: .success) {
            let before = try #require(ProcessLimits.current()).descriptorLimit
            limitDescriptors(to: 100)
            #expect(ProcessLimits.current()?.descriptorLimit == 100)
            ProcessLimits.raiseDescriptorLimit()
            #expect(try #require(ProcessLimits.current()).descriptorLimit >= before)
        }
    }

    @Test("is refused a store that is too large for it, and goes on with one that is open")
    func runsOut() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            var store = try MessageStore.open(directory.path, tinyConfiguration())
            for number in 0..<1_500 { try store.append(message(number)) }
            try store.close()
            let inUse = try #require(ProcessLimits.current()).descriptorsInUse
            limitDescriptors(to: inUse + 8)
            #expect(throws: StoreError.self) {
                do {
                    _ = try MessageStore.open(directory.path, tinyConfiguration())
                } catch StoreError.limitTooLow(let forecast) {
                    #expect(forecast.limit == inUse + 8)
                    throw StoreError.limitTooLow(forecast)
                }
            }
            limitDescriptors(to: 1_000)
            store = try MessageStore.open(directory.path, tinyConfiguration())
            try store.append(message(1_500))
            var ballast: [any DiskFile] = []
            limitDescriptors(to: 100)
            while let file = try? SystemDisk().open("/dev/null", .readOnly) { ballast.append(file) }
            var refused = 0
            // A new queue has no file; the next segment and the next file of a queue neither.
            for number in 1_501..<2_200 {
                do throws(StoreError) {
                    try store.append(message(number))
                } catch {
                    guard case .limitReached = error else { throw error }
                    refused += 1
                }
            }
            #expect(refused > 0)
            ballast.removeAll()
            let queue = try store.queue(topic: "Orders")
            let end = try store.maximumOffset(queue)
            #expect(end == 2_200 - Int64(refused))
            #expect(try store.append(message(9)).queueOffset == end)
            try store.close()
            store = try MessageStore.open(directory.path, tinyConfiguration())
            #expect(try store.maximumOffset(store.queue(topic: "Orders")) == end + 1)
            try store.close()
        }
    }
}
