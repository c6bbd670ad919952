// Bodies to compress, the same ones in each run: what compresses well, what does as messages do,
// and what does not at all.

/// What a body looks like.
enum BodyKind: String, CaseIterable, Sendable {
    /// Words of English, frequent ones often.
    case text
    /// Events with the same keys again and again, their values different.
    case json
    case random

    /// `count` bodies of `byteCount` bytes, no two alike but where that is too short.
    func bodies(_ count: Int, byteCount: Int) -> [[UInt8]] {
        var random = Scramble(state: 0x9E37_79B9_7F4A_7C15)
        return (0..<count).map { number in
            switch self {
            case .text: Self.words(byteCount, &random)
            case .json: Self.events(byteCount, first: number * 1_000, &random)
            case .random:
                (0..<byteCount).map { _ in UInt8(truncatingIfNeeded: random.next() >> 24) }
            }
        }
    }

    private static func words(_ byteCount: Int, _ random: inout Scramble) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(byteCount + 16)
        while text.count < byteCount {
            // The square of a share: the front of the list comes most.
            let share = Double(random.next() >> 40) / Double(1 << 24)
            text += vocabulary[Int(share * share * Double(vocabulary.count))]
            text.append(random.next() % 12 == 0 ? UInt8(ascii: ".") : UInt8(ascii: " "))
        }
        return Array(text.prefix(byteCount))
    }

    /// A whole JSON object of that length; a shorter one than fits an event holds words only.
    private static func events(
        _ byteCount: Int, first: Int, _ random: inout Scramble
    ) -> [UInt8] {
        var text = Array("{\"events\":[".utf8)
        let end = Array("],\"note\":\"".utf8)
        let close = Array("\"}".utf8)
        var number = first
        while true {
            let event = (number > first ? [UInt8(ascii: ",")] : []) + event(number, &random)
            guard text.count + event.count + end.count + close.count <= byteCount else { break }
            text += event
            number += 1
        }
        text += end
        let left = byteCount - text.count - close.count
        guard left >= 0 else { return words(byteCount, &random) }
        return text + words(left, &random) + close
    }

    private static func event(_ number: Int, _ random: inout Scramble) -> [UInt8] {
        let states = ["CREATED", "PAID", "SHIPPED", "DELIVERED", "RETURNED"]
        let countries = ["DE", "FR", "CN", "US", "GB", "JP", "BR", "IN"]
        func pick(_ all: [String]) -> String { all[Int(random.next() % UInt64(all.count))] }
        let cents = random.next() % 100_000
        let text =
            "{\"orderId\":\"\(String(random.next() >> 16, radix: 16))\",\"sequence\":\(number),"
            + "\"customerId\":\(random.next() % 5_000_000),\"country\":\"\(pick(countries))\","
            + "\"status\":\"\(pick(states))\",\"currency\":\"EUR\","
            + "\"total\":\(cents / 100).\(cents % 100 / 10)\(cents % 10),"
            + "\"items\":\(1 + random.next() % 9),\"timestamp\":\(1_700_000_000_000 + number * 37)}"
        return Array(text.utf8)
    }

    private static let vocabulary: [[UInt8]] =
        """
        the of and to in that was his he with is for as had you be on not at by her which \
        have or from this him but all they she were my are me one their so an said them we \
        who would been will no when there if more out up into any your what has man could \
        other than our some very time upon about may its only now like little then can made \
        should did us such great before must two these see know over much down after first \
        good men own never most old shall day where those came come himself way work life \
        without go make well through being long say might how am too even again many back \
        here think every people went same last thought away under take found hand eyes still \
        place while just also young yet though against things get ever give god years off \
        face nothing right once another left part saw house world head three took new love \
        always mrs put night each king between tell mind heart few because thing whom far \
        seemed looked called whole de set both got find done heard look name days told let \
        lord country asked going seen better having home knew side something moment father \
        among course hands woman enough words mother soon full end gave room almost small \
        thou cannot water want however light quite brought nor word whose given door best \
        turned taken does use morning myself felt until since power themselves used rather \
        began present voice others white works less money next poor death stood form within \
        together till thy large matter kind often certain herself year friend half order \
        round true anything keep sent wife means believe passed feet near public state son \
        hundred children thus hope alone above case dear thee says person high read city \
        already received fact gone girl known hear times least perhaps sure
        """.split(separator: " ").map { Array($0.utf8) }
}
