// Damage in words.

package import ApusFormat

extension RecordDamage {
    /// What is wrong, as the end of a sentence.
    package var words: String {
        switch self {
        case .unknownMagic(let magic):
            "the magic number is \(String(magic, radix: 16, uppercase: true)), which is no record's"
        case .sizeOutOfBounds(let size):
            "the record says that it has \(size) bytes, which cannot be here"
        case .lengthsDisagree:
            "the lengths of body, topic and properties do not add up to the record's size"
        case .positionMismatch(let stored):
            "the record says that it stands at physical offset \(stored)"
        case .bodyChecksumMismatch:
            "the body does not have the checksum (CRC-32) that was stored with it"
        case .recordChecksumMismatch:
            "the record does not have the checksum in its __CRC32# property"
        case .sectorMissing:
            "a sector of its topic or properties was never written"
        case .paddingOutOfBounds(let size):
            "the mark that closes the file says that \(size) bytes are left, which is not so"
        }
    }
}

extension LogStretch {
    /// What stands there, as the end of a sentence.
    package var words: String {
        switch cause {
        case .damaged(let damage): damage.words
        case .zeros: "there are zeros up to the end of the file"
        case .remains: "there are zeros where the next record should be, and other bytes behind"
        case .unreadable(let error): "\(error)"
        case .missing: "the file is missing"
        case .cutShort: "the file was cut short there"
        }
    }

    package var byteCount: Int64 { end - start }
}
