// Copies of raw memory as arrays and strings.

extension [UInt8] {
    /// A copy of all bytes of `bytes`: bound their number before.
    public init(_ bytes: RawSpan) {
        // Safe: the pointer is used within the call, and the buffer bounds what is copied.
        self = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
    }

    /// Appends a copy of all bytes of `bytes`: bound their number before.
    public mutating func append(bytesOf bytes: RawSpan) {
        // Safe: the pointer is used within the call, and the buffer bounds what is copied.
        unsafe bytes.withUnsafeBytes { unsafe append(contentsOf: $0) }
    }
}

extension String {
    /// The text in `utf8`; each ill-formed part becomes U+FFFD.
    public init(decodingUTF8 utf8: RawSpan) {
        // Safe: the pointer is used within the call, and the buffer bounds what is read.
        self = unsafe utf8.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
