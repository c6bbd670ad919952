// What whoever has the turn puts off.

import Testing

@testable import ApusSystem

@Suite("a buffer of whoever has the turn") struct TurnBufferTests {
    @Test("gives values in the order in which they were added, until it is emptied")
    func order() {
        let buffer = TurnBuffer<Int>(capacity: 3)
        for round in 0..<2 {
            var (counts, fullAt) = ([buffer.count], [Int]())
            for value in 0..<3 {
                if buffer.isFull { fullAt.append(value) }
                buffer.append(value * 7 + round)
                counts.append(buffer.count)
            }
            if buffer.isFull { fullAt.append(3) }
            #expect(counts == [0, 1, 2, 3] && fullAt == [3])
            var values: [Int] = []
            for index in 0..<buffer.count { values.append(buffer[index]) }
            #expect(values == [round, 7 + round, 14 + round])
            buffer.removeAll()
        }
    }

    @Test("traps where there is no room, and beyond what was added")
    func bounds() async {
        await #expect(processExitsWith: .failure) {
            let buffer = TurnBuffer<Int>(capacity: 1)
            buffer.append(1)
            buffer.append(2)
        }
        await #expect(processExitsWith: .failure) {
            let buffer = TurnBuffer<Int>(capacity: 2)
            buffer.append(1)
            _ = buffer[1]
        }
    }
}
