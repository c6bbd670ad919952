// What a machine does next, drawn from its numbers.

import ApusStore
import ApusSystem
import TestSupport

extension Machine {
    /// One step of the workload. Deep steps compare everything afterwards.
    mutating func step(deep: Bool) throws {
        guard let store else { return }
        switch Int.random(in: 0..<100, using: &numbers) {
        case 0..<38:
            try append([makeMessage()], asBatch: false)
        case 38..<46:
            try append([makeMessage()], asBatch: false, awaits: false)
        case 46..<56:
            let queue = options.queues.randomElement(using: &numbers)
            let count = Int.random(in: 1...6, using: &numbers)
            let sent = (0..<count).map { _ in makeMessage(plain: true, to: queue) }
            let total = sent.reduce(0) { $0 + $1.recordByteCount(checksum: options.checksum) }
            if total <= options.segmentByteCount - 8, count <= options.entriesPerFile {
                try append(sent, asBatch: true)
            }
        case 56..<80:
            let agents = store.agents
            _ = agents.randomElement(using: &numbers)?.doWork()
        case 80..<86:
            clock.advance(milliseconds: Int64.random(in: 1...200, using: &numbers))
        case 86..<88:
            clock.advance(milliseconds: Int64.random(in: 600_000...2_400_000, using: &numbers))
            stepClock()
        case 88..<92:
            disk.writeBackSome()
        case 92..<95:
            try flush()
        default:
            try compare()
        }
        settle()
        if deep { try compare() }
    }

    /// Now and then someone sets the wall clock, by up to nine hours, seldom by years: behind a
    /// leap of that kind nothing expires for the rest of the lineage.
    private mutating func stepClock() {
        guard Int.random(in: 0..<6, using: &numbers) == 0 else { return }
        let most: Int64 = Int.random(in: 0..<8, using: &numbers) == 0 ? 38 : 25
        let size = Int64(1) << Int64.random(in: 0..<most, using: &numbers)
        clock.step(milliseconds: Int64.random(in: -size...size, using: &numbers))
        // Before 1970 there are no store timestamps.
        if clock.wallMilliseconds < 0 { clock.step(milliseconds: 1 - clock.wallMilliseconds) }
    }

    /// Compares everything, unless an operation fails as it was planned meanwhile.
    mutating func compare() throws {
        guard let store, !disk.isOff, !disk.hasFailed else { return }
        do {
            try comparison(store).everything(&numbers)
        } catch let violation as Violation {
            // What is read while the machine goes off is nobody's answer.
            if !disk.isOff { throw violation }
        } catch {
            if !disk.isOff, !disk.hasFailed { throw Violation("a read fails: \(error)") }
        }
    }

    mutating func flush() throws {
        guard let store else { return }
        do {
            try store.flush()
            if !disk.isOff {
                model.promised = model.end
                model.answered = model.end
            }
        } catch {
            try require(disk.isOff || disk.hasFailed, "a flush fails for no reason: \(error)")
        }
    }

    /// Closes the store and opens it again.
    mutating func reopen() throws {
        guard let closing = store else { return }
        if !disk.isOff, disk.plan == nil { try refuseSecondOpener() }
        let end = model.end
        do {
            try closing.close()
            if !disk.isOff {
                model.promised = end
                model.answered = end
            }
        } catch {
            try require(disk.isOff || disk.hasFailed, "a close fails for no reason: \(error)")
        }
        letGo()
        guard !disk.isOff, !disk.hasFailed else { return }
        _ = try open(answered: true)
    }

    private func refuseSecondOpener() throws {
        do {
            _ = try MessageStore.open(
                Self.directory, options.configuration, observer: nil, disk: disk,
                time: .manual(clock))
        } catch StoreError.locked {
            return
        } catch {
            throw Violation("F11: a second opener is told: \(error)")
        }
        throw Violation("F11: a second opener is let in")
    }

    /// Lets the process go, with everything that it held.
    mutating func letGo() {
        waiting = []
        store = nil
    }
}
