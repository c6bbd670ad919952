// The negative control of the comparison: answers that are right, each with one thing changed.

import ApusFormat
import ApusRemoting
import TestSupport

/// Changes answers, and keeps what the comparison did not notice.
struct PlantedChanges {
    private(set) var count = 0
    private(set) var unnoticed: [String] = []
    private var seen: [[Int32]: Int] = [:]
    private var random = SeededNumbers(seed: 4711)

    /// Tries changes of our answer, for the first few of each kind.
    mutating func plant(
        in ours: RemotingCommand, _ request: RemotingCommand, theirs: RemotingCommand,
        _ comparison: Comparison
    ) {
        guard MayDiffer.refusal(of: request) == nil else { return }
        seen[[request.code, ours.code], default: 0] += 1
        guard let times = seen[[request.code, ours.code]], times <= 4 else { return }
        for (what, changed) in changes(of: ours, request) {
            var trial = comparison
            count += 1
            if trial.differences(request, theirs: theirs, ours: changed).isEmpty {
                unnoticed.append("\(request.code) \(what)")
            }
        }
    }

    private mutating func changes(
        of answer: RemotingCommand, _ request: RemotingCommand
    ) -> [(String, RemotingCommand)] {
        var all: [(String, RemotingCommand)] = []
        func add(_ what: String, _ change: (inout RemotingCommand) -> Void) {
            var changed = answer
            change(&changed)
            all.append((what, changed))
        }
        add("code") { $0.code += 1 }
        add("number") { $0.opaque += 1 }
        add("flags") { $0.flags = 3 }
        add("version") { $0.version -= 1 }
        add("serialisation") { $0.serialization = .binary }
        add("remark") { $0.remark = $0.remark == nil ? "no" : nil }
        add("another field") { $0.fields["another"] = "1" }
        for field in answer.fields.all {
            add("without \(field.name)") { $0.fields[field.name] = nil }
            add("another \(field.name)") { $0.fields[field.name] = field.value + "0" }
        }
        add("a longer body") { $0.body.append(0) }
        guard !answer.body.isEmpty else { return all }
        add("a shorter body") { $0.body.removeLast() }
        for _ in 0..<16 {
            let place = Int(random.next() % UInt64(answer.body.count))
            guard mustHold(place, in: answer.body, request) else { continue }
            add("byte \(place) of the body") { $0.body[place] ^= 1 << UInt8(place % 8) }
        }
        return all
    }

    /// Whether a byte of a body is one that must be as it is: what is a time, or counted by
    /// ourselves, may hold other digits.
    private func mustHold(_ place: Int, in body: [UInt8], _ request: RemotingCommand) -> Bool {
        switch request.requestCode {
        case .getBrokerRuntimeInfo, .getTopicStatsInfo, .getConsumeStats: return place == 0
        case .pullMessage, .litePullMessage, .queryMessage, .viewMessageById: break
        default: return true
        }
        var start = 0
        for record in (try? StoredRecord.all(in: body)) ?? [] {
            if place < start + record.byteCount {
                let times = RecordLayout.bornHost + 8..<RecordLayout.storeHost
                let offset = RecordLayout.physicalOffset.offset
                return !times.contains(place - start)
                    && !(offset..<offset + 8).contains(place - start)
            }
            start += record.byteCount
        }
        return true
    }
}
