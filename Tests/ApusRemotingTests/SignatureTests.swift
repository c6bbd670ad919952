// Signatures of ACL 1.0: the hash, the code, what is signed, and what is not taken for signed.

import ApusFormat
import TestSupport
import Testing

@testable import ApusRemoting

private func hexadecimal(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

@Suite("a signature") struct SignatureTests {
    // FIPS 180-4's examples, and the lengths around the end of a block, by Python's hashlib.
    static let hashes: [(text: String, count: Int, hash: String)] = [
        ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
        ),
        ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ("a", 55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"),
        ("a", 56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"),
        ("a", 63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"),
        ("a", 64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"),
        ("a", 65, "11655326c708d70319be2610e8a57d9a5b959d3b"),
    ]

    @Test("rests on SHA-1", arguments: hashes)
    func hash(_ text: String, _ count: Int, _ expected: String) {
        let bytes = Array(String(repeating: text, count: count).utf8)
        var whole = SHA1()
        whole.update(bytes.rawSpan)
        #expect(hexadecimal(whole.finish()) == expected)
    }

    @Test("does not depend on the pieces that the bytes come in")
    func pieces() {
        var numbers = SeededNumbers.printed()
        for _ in 0..<50 {
            let bytes = (0..<Int.random(in: 0...300, using: &numbers)).map {
                UInt8(truncatingIfNeeded: $0 * 7)
            }
            var whole = SHA1()
            whole.update(bytes.rawSpan)
            var parts = SHA1()
            var place = 0
            while place < bytes.count {
                let count = Int.random(in: 0...(bytes.count - place), using: &numbers)
                parts.update(bytes.rawSpan.extracting(place..<place + count))
                place += count
            }
            #expect(parts.finish() == whole.finish())
        }
    }

    // RFC 2202.
    static let codes: [(key: [UInt8], text: [UInt8], code: String)] = [
        (
            [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
            "b617318655057264e28bc0b6fb378c8ef146be00"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        ),
        (
            [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
            "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
        ),
        (
            [UInt8](repeating: 0xAA, count: 80),
            Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        ),
    ]

    @Test("rests on HMAC", arguments: codes)
    func code(_ key: [UInt8], _ text: [UInt8], _ expected: String) {
        let code = HMACSHA1(key: key)
        var hash = code.begin()
        hash.update(text.rawSpan)
        #expect(hexadecimal(code.finish(hash)) == expected)
    }

    @Test("is in Base64, with padding")
    func base64() {
        for (text, expected) in [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
        ] { #expect(Base64.encode(Array(text.utf8)) == Array(expected.utf8)) }
    }

    private static let credentials = SessionCredentials(
        accessKey: "rocketmq2", secretKey: "12345678")
    private static let key = SigningKey("12345678")

    private func signed(_ change: (inout RemotingCommand) -> Void = { _ in }) -> RemotingCommand {
        var command = RemotingCommand.request(
            .sendMessageV2, fields: ["b": "Orders", "a": "producers", "i": "TAGS\u{1}a\u{2}"],
            body: Array("hello".utf8))
        change(&command)
        command.sign(Self.credentials, Self.key)
        return command
    }

    private func isSigned(_ command: RemotingCommand, by key: SigningKey = key) throws -> Bool {
        let frame = command.frame
        var index = HeaderIndex()
        let whole = try Frame(frame.rawSpan)
        try index.read(whole.header, whole.serialization, HeaderLimits())
        return key.hasSigned(Request(index, whole))
    }

    @Test("is over the values by their names, and the body: as Python's hmac has it")
    func known() {
        // base64(hmac("12345678", "rocketmq2" + "producers" + "Orders" + "TAGS\1a\2" + "hello"))
        #expect(signed().fields["Signature"] == "twEGSKiHxchkUdPWY3bE9uehmJ0=")
    }

    @Test("is found right in both serialisations, whatever the order of the fields")
    func right() throws {
        for serialization in HeaderSerialization.allCases {
            #expect(try isSigned(signed { $0.serialization = serialization }))
        }
        var command = signed()
        command.fields = HeaderFields(reversing: command.fields)
        #expect(try isSigned(command))
    }

    @Test("is wrong as soon as anything that it covers is another")
    func wrong() throws {
        let right = signed()
        for change: (inout RemotingCommand) -> Void in [
            { $0.fields["b"] = "orders" }, { $0.fields["z"] = "1" }, { $0.fields["a"] = nil },
            { $0.body[0] ^= 1 }, { $0.body = [] }, { $0.fields["AccessKey"] = "rocketmq3" },
            { $0.fields["Signature"] = nil }, { $0.fields["Signature"] = "" },
            { $0.fields["Signature"] = ($0.fields["Signature"] ?? "").lowercased() },
            { $0.fields["Signature"] = "A" + ($0.fields["Signature"] ?? "").dropFirst() },
        ] {
            var command = right
            change(&command)
            #expect(try !isSigned(command))
        }
        #expect(try !isSigned(right, by: SigningKey("12345679")))
        #expect(try isSigned(right))
    }

    @Test("may leave out _UNIQUE_KEY_QUERY, which older clients put in behind it, and nothing else")
    func uniqueKeyQuery() throws {
        var command = signed()
        command.fields["_UNIQUE_KEY_QUERY"] = "true"
        #expect(try isSigned(command))
        #expect(try isSigned(signed { $0.fields["_UNIQUE_KEY_QUERY"] = "true" }))
        command.fields["topic"] = "Orders"
        #expect(try !isSigned(command))
    }
}

extension HeaderFields {
    fileprivate init(reversing fields: HeaderFields) {
        self = [:]
        for field in fields.all.reversed() { append(field.name, field.value) }
    }
}
