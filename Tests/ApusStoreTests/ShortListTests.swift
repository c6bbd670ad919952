// The list whose single element is in place.

import TestSupport
import Testing

@testable import ApusStore

@Suite("a short list") struct ShortListTests {
    @Test("holds what an array holds that has the same done to it")
    func likeAnArray() {
        var numbers = SeededNumbers.printed()
        var list = ShortList<Int64>()
        var array: [Int64] = []
        for step in 0..<4_000 {
            let number = Int64(numbers.next() % 9)
            switch numbers.next() % 6 {
            case 0, 1:
                list.append(number)
                array.append(number)
            case 2:
                list.insert(number, at: 0)
                array.insert(number, at: 0)
            case 3:
                list.removeAll { $0 == number }
                array.removeAll { $0 == number }
            case 4 where !array.isEmpty:
                let index = Int(numbers.next() % UInt64(array.count))
                list[index] = number
                array[index] = number
            default:
                list.sort()
                array.sort()
            }
            if array.count > 3 {
                array.removeLast()
                list.removeLast()
            }
            #expect(Array(list) == array, "step \(step)")
            #expect(list.count == array.count && list.first == array.first)
        }
    }

    @Test("takes 16 bytes, with its element")
    func sizes() {
        #expect(MemoryLayout<ShortList<QueueFile>>.stride == 16)
        #expect(MemoryLayout<ShortList<Int64>>.stride == 16)
    }
}
