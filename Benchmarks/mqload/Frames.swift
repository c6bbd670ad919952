// Requests that are encoded once. What differs from one to the next has the same length in each,
// and is written over.

import ApusFormat
import ApusRemoting
import NIOCore

/// A frame with places that are filled in anew for each request.
struct FrameTemplate {
    private(set) var bytes: [UInt8]
    private let isBinary: Bool
    private let opaquePlace: Int

    init(_ command: RemotingCommand) {
        isBinary = command.serialization == .binary
        bytes = Self.encode(command, opaque: Tickets.first)
        // Where two differ that have no digit and no byte of their numbers in common.
        let other = Self.encode(command, opaque: 2_111_111_111)
        opaquePlace = zip(bytes, other).prefix { $0 == $1 }.count
    }

    private static func encode(_ command: RemotingCommand, opaque: Int32) -> [UInt8] {
        var command = command
        command.opaque = opaque
        var bytes: [UInt8] = []
        command.encode(into: &bytes)
        return bytes
    }

    mutating func set(opaque: Int32) {
        if isBinary {
            store(UInt64(UInt32(bitPattern: opaque)), byteCount: 4, at: opaquePlace)
        } else {
            set(decimal: Int64(opaque), digits: 10, at: opaquePlace)
        }
    }

    /// Writes a number with zeros before it.
    mutating func set(decimal value: Int64, digits: Int, at place: Int) {
        var rest = value
        for offset in stride(from: place + digits - 1, through: place, by: -1) {
            bytes[offset] = 48 &+ UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Writes a number as eight digits of base 16.
    mutating func set(hexadecimal value: UInt32, at place: Int) {
        for index in 0..<8 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt32(28 - index * 4)) & 15
            bytes[place + index] = digit &+ (digit < 10 ? 48 : 55)
        }
    }

    /// Writes the lower bytes of a number, the highest first.
    mutating func store(_ value: UInt64, byteCount: Int, at place: Int) {
        for index in 0..<byteCount {
            bytes[place + index] = UInt8(
                truncatingIfNeeded: value >> UInt64((byteCount - 1 - index) * 8))
        }
    }

    /// Where `text` stands: all places, one behind the other.
    func places(of text: String) -> [Int] {
        let wanted = Array(text.utf8)
        return bytes.indices.dropLast(wanted.count - 1).filter {
            bytes[$0..<$0 + wanted.count].elementsEqual(wanted)
        }
    }
}
