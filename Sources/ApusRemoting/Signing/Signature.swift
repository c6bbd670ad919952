// Signatures of requests, as RocketMQ's ACL 1.0 has them.
//
// HMAC-SHA1 over the values of all fields but the signature, in the order of their names, and the
// body behind them; in Base64.

internal import ApusFormat

/// What a client signs its requests with.
public struct SessionCredentials: Sendable, Hashable {
    public let accessKey: String
    public let secretKey: String
    /// Passed on unread, when there is one.
    public let securityToken: String?

    public init(accessKey: String, secretKey: String, securityToken: String? = nil) {
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.securityToken = securityToken
    }
}

/// The names of the fields that a signed request has besides its own.
public enum SignatureField {
    public static let accessKey: FieldName = "AccessKey"
    public static let signature: FieldName = "Signature"
    public static let securityToken: FieldName = "SecurityToken"
}

/// A secret key, ready to sign.
public struct SigningKey: Sendable {
    private let code: HMACSHA1

    public init(_ secretKey: String) { code = HMACSHA1(key: Array(secretKey.utf8)) }

    /// The signature of a request. `omitted` is left out with the signature itself: see
    /// `isSignature`.
    func signature(of request: borrowing Request, omitting omitted: FieldName?) -> [UInt8] {
        var hash = code.begin()
        for place in request.placesByName(omitting: omitted) { hash.update(request.value(place)) }
        hash.update(request.body)
        return Base64.encode(code.finish(hash))
    }

    /// Whether a request carries the signature of this key. Takes as long for any wrong one.
    ///
    /// RocketMQ's clients up to 4.9.3 put `_UNIQUE_KEY_QUERY` in behind the signature, so both ways
    /// are tried where it stands.
    public func hasSigned(_ request: borrowing Request) -> Bool {
        guard let given = request.bytes(SignatureField.signature) else { return false }
        let isWhole = Self.isEqual(given, signature(of: request, omitting: nil))
        guard request.bytes(Self.uniqueKeyQuery) != nil else { return isWhole }
        let isWithout = Self.isEqual(given, signature(of: request, omitting: Self.uniqueKeyQuery))
        return isWhole || isWithout
    }

    private static let uniqueKeyQuery: FieldName = "_UNIQUE_KEY_QUERY"

    private static func isEqual(_ given: RawSpan, _ right: [UInt8]) -> Bool {
        guard given.byteCount == right.count else { return false }
        var difference: UInt8 = 0
        for offset in right.indices {
            difference |= given.loadBigEndian(UInt8.self, at: offset) ^ right[offset]
        }
        return difference == 0
    }

    /// The signature of a command with these fields and body.
    func signature(of command: RemotingCommand) -> String {
        var hash = code.begin()
        let fields = command.fields.all.filter { $0.name != SignatureField.signature.description }
        for field in fields.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
            let value = Array(field.value.utf8)
            hash.update(value.rawSpan)
        }
        hash.update(command.body.rawSpan)
        return String(decoding: Base64.encode(code.finish(hash)), as: UTF8.self)
    }
}

extension RemotingCommand {
    /// Puts the access key and the signature in; nothing may be changed behind that.
    public mutating func sign(_ credentials: SessionCredentials, _ key: SigningKey) {
        fields[SignatureField.accessKey.description] = credentials.accessKey
        if let token = credentials.securityToken {
            fields[SignatureField.securityToken.description] = token
        }
        fields[SignatureField.signature.description] = key.signature(of: self)
    }
}

extension Request {
    /// Places of the fields that are signed, by name. There are few.
    fileprivate func placesByName(omitting omitted: FieldName?) -> [Int] {
        var places: [Int] = []
        places.reserveCapacity(fieldCount)
        for place in 0..<fieldCount {
            let name = name(place)
            if name.isEqual(to: SignatureField.signature.bytes) { continue }
            if let omitted, name.isEqual(to: omitted.bytes) { continue }
            var target = places.count
            while target > 0, name.precedes(self.name(places[target - 1])) { target -= 1 }
            places.insert(place, at: target)
        }
        return places
    }
}

extension RawSpan {
    /// By bytes, the shorter of two that begin alike first. Java compares UTF-16, which differs
    /// only for names that no client has.
    fileprivate func precedes(_ other: RawSpan) -> Bool {
        for offset in 0..<min(byteCount, other.byteCount) {
            let one = loadBigEndian(UInt8.self, at: offset)
            let two = other.loadBigEndian(UInt8.self, at: offset)
            if one != two { return one < two }
        }
        return byteCount < other.byteCount
    }
}

/// Base64 (RFC 4648, with padding).
enum Base64 {
    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let count = min(3, bytes.count - start)
            var word: UInt32 = 0
            for offset in 0..<3 {
                word = word << 8 | (offset < count ? UInt32(bytes[start + offset]) : 0)
            }
            for place in 0..<4 {
                text.append(
                    place <= count
                        ? digits[Int(word >> UInt32(18 - 6 * place)) & 63] : UInt8(ascii: "="))
            }
        }
        return text
    }
}
