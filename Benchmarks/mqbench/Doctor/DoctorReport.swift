// How a diagnosis is shown.

import ApusStore
import ApusSystem
import Bench
import Foundation

extension Diagnosis {
    var text: String {
        var lines = [
            "\(facts.directory) with \(settings.inWords)", "",
        ]
        var table = TextTable([("", .left), ("", .left)])
        for (name, value) in summary { table.add([name, value]) }
        lines += table.lines.dropFirst()
        lines += ["", "An acknowledged message, when", ""]
        for one in survivals {
            lines += wrapped("\(one.accident): \(one.text).", one.basis)
        }
        for kind in DoctorFinding.Kind.allCases {
            let all = findings.filter { $0.kind == kind }
            if all.isEmpty { continue }
            lines += ["", kind.title, ""]
            for one in all { lines += wrapped(one.text, one.basis) }
        }
        return lines.joined(separator: "\n")
    }

    private var summary: [(String, String)] {
        var all = [("kernel", facts.kernel)]
        if let mount = facts.mount {
            all.append(
                (
                    "file system",
                    "\(mount.type) on \(mount.path) (\(mount.options.joined(separator: ",")))"
                ))
        }
        if let device = facts.device {
            let words = [
                device.name, device.writeCache.map { "write cache: \($0.rawValue)" },
                device.isVirtual
                    ? nil : device.isRotational.map { $0 ? "rotational" : "not rotational" },
                device.backingFile.map { "in \($0)" },
                device.parts.isEmpty ? nil : "of \(device.parts.joined(separator: ", "))",
                device.isVirtual ? "virtual" : nil,
            ]
            all.append(("device", words.compactMap { $0 }.joined(separator: ", ")))
        }
        all.append(
            (
                "room",
                "\(Self.bytes(facts.freeByteCount)) of \(Self.bytes(facts.byteCount)) free"
            ))
        for way in cost.ways {
            all.append(
                (
                    "sync of 4 KiB",
                    "p50 \(Figure.duration(way.p50)), p99 \(Figure.duration(way.p99)),"
                        + " \(way.name)"
                ))
        }
        return all
    }

    /// A paragraph of at most 80 columns with its basis below.
    private func wrapped(_ text: String, _ basis: String) -> [String] {
        Self.fill(text, first: "  - ", rest: "    ")
            + Self.fill("[\(basis)]", first: "    ", rest: "     ")
    }

    static func fill(_ text: String, first: String, rest: String) -> [String] {
        var lines: [String] = []
        var line = first
        var isEmpty = true
        for word in text.split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > 80 {
                lines.append(line)
                line = rest
                isEmpty = true
            }
            line += isEmpty ? String(word) : " \(word)"
            isEmpty = false
        }
        return lines + [line]
    }

    var json: JSONValue {
        .object([
            ("directory", .string(facts.directory)),
            (
                "settings",
                .object([
                    ("flush", .string(settings.isSync ? "sync" : "async")),
                    ("interval", .integer(settings.flush.intervalMilliseconds)),
                    ("leastPages", .count(settings.flush.leastPages)),
                ])
            ),
            ("facts", factsJSON), ("syncs", cost.json),
            (
                "acknowledged",
                .array(
                    survivals.map { one in
                        .object([
                            ("when", .string(one.accident)),
                            ("answer", .string(one.answer.rawValue)), ("text", .string(one.text)),
                            ("basis", .string(one.basis)),
                        ])
                    })
            ),
            (
                "findings",
                .array(
                    findings.map { one in
                        .object([
                            ("kind", .string(one.kind.rawValue)), ("text", .string(one.text)),
                            ("basis", .string(one.basis)),
                        ])
                    })
            ),
        ])
    }

    private var factsJSON: JSONValue {
        func count(_ value: Int?) -> JSONValue { value.map { .count($0) } ?? .null }
        func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }
        func flag(_ value: Bool?) -> JSONValue { value.map { .bool($0) } ?? .null }
        return .object([
            ("kernel", .string(facts.kernel)), ("fileSystem", .string(facts.fileSystem)),
            (
                "mountOptions", .array((facts.mount?.options ?? []).map { .string($0) })
            ),
            ("hasJournal", flag(facts.hasJournal)), ("device", text(facts.device?.name)),
            ("writeCache", text(facts.device?.writeCache?.rawValue)),
            ("rotational", flag(facts.device?.isRotational)),
            ("dax", flag(facts.device?.isDirectAccess)),
            ("backingFile", text(facts.device?.backingFile)),
            ("freeBytes", .count(facts.freeByteCount)), ("bytes", .count(facts.byteCount)),
            ("memoryBytes", .count(facts.memoryByteCount)),
            ("backgroundDirtyBytes", count(facts.backgroundDirtyByteCount)),
            ("dirtyBytes", count(facts.dirtyByteCount)),
            ("dirtyExpireMilliseconds", count(facts.dirtyExpireMilliseconds)),
            ("openFilesLimit", count(facts.limits?.descriptorLimit)),
            ("mappingsLimit", count(facts.limits?.mappingLimit)),
            ("clockSource", text(facts.clockSource)), ("loadAverage", .figure(facts.loadAverage)),
            ("hypervisor", .bool(facts.isHypervised)),
        ])
    }
}
