// Pulls that wait for a message. Each leaves once: woken by publication, or when its time is over.
// Publication wakes them one by one; only the ends of their times are found by looking.

/// Names a parked pull.
struct ParkingTicket: Hashable, Sendable {
    fileprivate let number: UInt64
}

/// A table of what waits, with the time until which it does. Times are milliseconds of one clock.
struct ParkedPulls<Pull> {
    private struct Deadline {
        let time: Int64
        let ticket: ParkingTicket
    }

    private var pulls: [ParkingTicket: Pull] = [:]
    /// A binary heap, the earliest first. Holds pulls that have left, too, until their time comes
    /// or they outnumber the others.
    private var deadlines: [Deadline] = []
    private var lastNumber: UInt64 = 0

    var count: Int { pulls.count }

    /// The pull waits until `deadline`, unless it is taken before.
    mutating func park(_ pull: Pull, until deadline: Int64) -> ParkingTicket {
        lastNumber += 1
        let ticket = ParkingTicket(number: lastNumber)
        pulls[ticket] = pull
        if deadlines.count > 64, deadlines.count > 4 * pulls.count { compact() }
        deadlines.append(Deadline(time: deadline, ticket: ticket))
        rise(deadlines.count - 1)
        return ticket
    }

    /// The pull, for the one who takes it first; nil for everyone else.
    mutating func take(_ ticket: ParkingTicket) -> Pull? { pulls.removeValue(forKey: ticket) }

    /// Changes a pull that is still parked.
    mutating func change(_ ticket: ParkingTicket, _ body: (inout Pull) -> Void) {
        guard var pull = pulls[ticket] else { return }
        body(&pull)
        pulls[ticket] = pull
    }

    /// Takes all pulls whose time is over, those that waited longest first.
    mutating func takeExpired(now: Int64) -> [Pull] {
        var expired: [Pull] = []
        while let first = deadlines.first, first.time <= now {
            removeFirst()
            if let pull = pulls.removeValue(forKey: first.ticket) { expired.append(pull) }
        }
        return expired
    }

    /// Takes all pulls that `isMeant` names.
    mutating func take(where isMeant: (Pull) -> Bool) -> [Pull] {
        let tickets = pulls.filter { isMeant($0.value) }.keys
        return tickets.compactMap { take($0) }
    }

    // MARK: - The heap

    private mutating func compact() {
        let kept = deadlines.filter { pulls[$0.ticket] != nil }
        deadlines = kept.sorted { $0.time < $1.time }
    }

    private mutating func rise(_ index: Int) {
        var index = index
        while index > 0 {
            let parent = (index - 1) / 2
            guard deadlines[index].time < deadlines[parent].time else { return }
            deadlines.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func removeFirst() {
        deadlines.swapAt(0, deadlines.count - 1)
        deadlines.removeLast()
        var index = 0
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2]
            where child < deadlines.count && deadlines[child].time < deadlines[smallest].time {
                smallest = child
            }
            if smallest == index { return }
            deadlines.swapAt(index, smallest)
            index = smallest
        }
    }
}
