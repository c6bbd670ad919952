// Lines of result files, read back: those of the suite, of workloads and of sweeps alike.

import Bench
import Foundation

extension JSONValue: Decodable {
    /// Members of an object are in the order of their names: the order of the text is not kept.
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let values = try? container.decode([JSONValue].self) {
            self = .array(values)
        } else {
            let members = try container.decode([String: JSONValue].self)
            self = .object(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        }
    }

    /// A member of an object; nil in anything else.
    subscript(_ name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.0 == name }?.1
    }

    var double: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }
}

/// One result with what tells it from others.
struct ResultLine: Sendable {
    let time: String
    let machine: JSONValue
    let result: JSONValue

    /// Reads a line: a whole one, or a bare result as `--json` prints it. nil for an object that is
    /// neither.
    init?(_ text: some StringProtocol) throws {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        if let result = value["result"], result["workload"] != nil {
            time = value["time"]?.string ?? ""
            machine = value["machine"] ?? .null
            self.result = result
        } else if value["workload"] != nil {
            time = ""
            machine = .null
            result = value
        } else {
            return nil
        }
    }

    /// All results of a file, in its order. `commit` takes only those of commits that begin so.
    static func read(_ path: String, commit: String? = nil) throws -> [ResultLine] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw BenchError("cannot read \(path)")
        }
        var all: [ResultLine] = []
        for (index, line) in text.split(separator: "\n").enumerated() {
            do {
                if let one = try ResultLine(line) { all.append(one) }
            } catch {
                throw BenchError("\(path), line \(index + 1) is no JSON object")
            }
        }
        if let commit { all = all.filter { $0.commit.hasPrefix(commit) } }
        guard !all.isEmpty else {
            throw BenchError(
                "\(path) has no results" + (commit.map { " of a commit \($0)…" } ?? ""))
        }
        return all
    }

    var commit: String { machine["commit"]?.string ?? "" }
    var isChecked: Bool {
        if case .bool(true)? = result["checked"] { return true }
        return false
    }

    /// Results with the same key are of the same work. How long it was given is no part of it.
    var key: String {
        measurement.workload + " "
            + JSONValue.object(
                measurement.parameters.filter { $0.0 != "seconds" }.sorted { $0.0 < $1.0 }
            ).text
    }

    var title: String { measurement.title }

    /// The name and parameters alone.
    private var measurement: RunResult {
        guard case .object(let parameters)? = result["parameters"] else {
            return RunResult(result["workload"]?.string ?? "", [])
        }
        return RunResult(result["workload"]?.string ?? "", parameters)
    }

    var parameters: [(String, JSONValue)] { measurement.parameters }

    /// Processor, memory, kernel and file system, as far as a line names them.
    var place: String {
        ["processor", "processors", "memoryMegabytes", "kernel", "fileSystem"]
            .compactMap { machine[$0] }.map { $0.string ?? $0.text }.joined(separator: ", ")
    }
}
