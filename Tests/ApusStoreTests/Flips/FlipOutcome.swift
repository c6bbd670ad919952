// What becomes of a store with one bit turned.

import ApusSystem
import Foundation

@testable import ApusStore

/// How a flip shows, the first way that is tried.
enum FlipOutcome: Hashable {
    /// `mqstore verify` has a finding.
    case verify
    /// The store does not open.
    case open
    /// A reader is refused something.
    case read
    /// Recovery tells of it: damage, a queue that it mended, or a copy in quarantine.
    case reported
    /// Nothing tells, and all that can be read is as it was; an append goes on.
    case harmless
    /// Nothing tells, all queues are as they were, and a query by key finds less.
    case missed
    /// Nothing tells, and something is not as it was.
    case silent

    var isDetected: Bool { ![.harmless, .missed, .silent].contains(self) }
}

extension FlipStore {
    /// Turns a bit and looks. `reads`: also opens the store when verify has told already, and says
    /// whether a reader was then given something else than was written, without being told.
    func outcome(of place: Place, reads: Bool) throws -> (FlipOutcome, isServedWrong: Bool) {
        try write(place)
        let isFound = try verify().verdict != .sound
        if isFound, !reads { return (.verify, false) }
        let opened = try openOutcome()
        if isFound { return (.verify, opened == .silent) }
        return (opened, false)
    }

    /// Whether queries find nothing but what they should, though not all of it.
    private func misses(_ reading: Reading) -> Bool {
        reading.messages == expected.messages
            && reading.byKey.allSatisfy { key, found in
                Set(found.map(\.physicalOffset))
                    .isSubset(of: expected.byKey[key, default: []].map(\.physicalOffset))
            }
    }

    private func openOutcome() throws -> FlipOutcome {
        let listener = Listener()
        let store: MessageStore
        do { store = try open(listener) } catch { return .open }
        defer { try? store.close() }
        let reading: Reading
        do { reading = try read(store) } catch { return .read }
        let isTold = listener.events.contains { event in
            switch event {
            case .damaged, .queueRebuilt: true
            default: false
            }
        }
        let isCopied = FileManager.default.fileExists(atPath: "\(root)/quarantine")
        if reading != expected {
            if isTold || isCopied { return .reported }
            return misses(reading) ? .missed : .silent
        }
        do {
            let result = try store.append(message(7, topic: "Orders"))
            guard try store.message(at: result.physicalOffset).body == message(7).body else {
                return .silent
            }
        } catch {
            return .open
        }
        return .harmless
    }
}
