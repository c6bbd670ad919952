// Which target may import what: the floors of the house, read off the sources.
//
// Target dependencies say the same, but they do not stop an import of Foundation or Glibc.

extension Rule {
    /// An import goes down only, and targets on one floor never import each other.
    static let importFloors = Rule(name: "each target imports only from the floors below it") {
        $0.flatMap { file in
            // A tutorial's code is that of whoever uses the module.
            let isShown = file.folders.contains { $0.hasSuffix(".docc") }
            guard file.isSwift, !isShown, let target = file.target else { return [Finding]() }
            guard let allowed = Floors.allowed[target] else {
                return [
                    Finding(
                        file.path, 1, "target \(target) is on no floor",
                        advice: "Name what it may import in \(#fileID)")
                ]
            }
            return imports(of: file).compactMap { module, line in
                if allowed.contains(module) || Floors.language.contains(module) { return nil }
                return Finding(
                    file.path, line, "\(target) may not import \(module)",
                    advice: "Take it from \(allowed.sorted().joined(separator: ", "))"
                        + ", or move the code to the floor that it belongs on")
            }
        }
    }

    /// A library from outside stands behind one file, so that it can be replaced there.
    static let oneFileEachLibrary = Rule(name: "each compression library is imported by one file") {
        files in
        ["CLZ4", "CZstd", "CDeflate"].flatMap { library in
            files.flatMap { file -> [(TextFile, Int)] in
                guard file.isSwift, file.folders.first == "Sources" else { return [] }
                return imports(of: file).filter { $0.module == library }.map { (file, $0.line) }
            }.dropFirst().map { file, line in
                Finding(
                    file.path, line, "\(library) is imported by another file already",
                    advice: "Go through the type in that file")
            }
        }
    }

    /// The modules that a file imports, with their lines.
    static func imports(of file: TextFile) -> [(module: String, line: Int)] {
        let kinds = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        let tokens = file.tokens
        return tokens.indices.compactMap { index in
            guard tokens[index].text == "import" else { return nil }
            let rest = tokens[(index + 1)...].drop { kinds.contains(String($0.text)) }
            guard let module = rest.first else { return nil }
            return (String(module.text), tokens[index].line)
        }
    }
}

/// The table of floors.
private enum Floors {
    /// Part of the language: open to everyone.
    static let language: Set = ["Swift", "Synchronization"]

    private static let network: Set = [
        "NIO", "NIOCore", "NIOPosix", "NIOConcurrencyHelpers", "NIOSSL", "NIOTLS", "Logging",
        "Metrics",
    ]
    private static let commands: Set = ["ArgumentParser", "Foundation"]
    private static let engine: Set = ["ApusStore", "ApusFormat", "ApusSystem"]

    static let allowed: [String: Set<String>] = [
        "ApusSystem": ["CApus", "Glibc"],
        "ApusFormat": ["CApus", "CLZ4", "CZstd", "CDeflate"],
        "ApusStore": ["ApusFormat", "ApusSystem"],
        "ApusRemoting": network.union(["ApusFormat"]),
        "ApusServer": ["ApusRemoting", "ApusFormat", "ApusSystem", "Logging"],
        "ApusBroker": network.union(engine).union(["ApusServer", "ApusRemoting"]),
        "ApusNameServer": network.union(["ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem"]),
        "ApusClient": network.union([
            "ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem", "FoundationEssentials",
            "Tracing",
        ]),
        "mqbroker": commands.union(network).union([
            "ApusBroker", "ApusNameServer", "ApusServer", "ApusSystem",
        ]),
        "mqnamesrv": commands.union(network).union(["ApusNameServer", "ApusServer", "ApusSystem"]),
        "mqadmin": commands.union(network).union([
            "ApusClient", "ApusServer", "ApusRemoting", "ApusFormat", "ApusSystem",
        ]),
        "mqload": commands.union(network).union(engine)
            .union([
                "ApusBroker", "ApusNameServer", "ApusClient", "ApusServer", "ApusRemoting", "Bench",
                "CRoofline", "Histogram",
            ]),
        "Histogram": [],
        "Bench": ["ApusSystem", "CRoofline", "Foundation", "Histogram"],
        // No network: building these two compiles neither NIO nor TLS.
        "mqstore": commands.union(engine),
        "mqbench": commands.union(engine)
            .union(["Bench", "CAllocationCounter", "CRoofline", "Histogram"]),
    ]
}
