// Where unsafe memory may be touched: a short list, with a reason for each file.

extension Rule {
    /// Everything else takes spans.
    static let unsafeFiles = Rule(name: "unsafe code stands in listed files only") { files in
        files.compactMap { file in
            guard let target = file.target, file.isSwift,
                unsafeTargets.contains(target)
            else { return nil }
            let place = file.tokens.first { isUnsafe($0.text) }
            switch (place, unsafeReasons[file.path]) {
            case (let place?, nil):
                return Finding(
                    file.path, place.line, "`\(place.text)` in a file that is not listed as unsafe",
                    advice: "Take a span, or list the file with a reason in \(#fileID)")
            case (nil, _?):
                return Finding(
                    file.path, 1, "listed as unsafe, but it is not",
                    advice: "Remove it from the list in \(#fileID)")
            default: return nil
            }
        }
    }

    /// The keyword, or a name that promises unsafe memory: the compiler asks for the keyword only
    /// where strict memory safety is on.
    private static func isUnsafe(_ word: Substring) -> Bool {
        word == "unsafe" || word.hasPrefix("Unsafe") || word.hasPrefix("withUnsafe")
    }

    private static let unsafeTargets: Set = [
        "ApusSystem", "ApusFormat", "ApusStore", "ApusRemoting", "ApusServer",
        "ApusNameServer", "ApusBroker",
    ]

    private static let unsafeReasons: [String: String] = [
        // Floor 1
        "Sources/ApusSystem/Clock.swift": "system calls that fill in structures",
        "Sources/ApusSystem/DiskError.swift": "the text of an errno value",
        "Sources/ApusSystem/RisingWord.swift": "a futex needs the address of its word",
        "Sources/ApusSystem/Signals.swift": "a futex needs the address of its word",
        "Sources/ApusSystem/TurnRing.swift": "cache lines that threads share",
        "Sources/ApusSystem/TurnBuffer.swift": "memory that the turn hands on",
        "Sources/ApusSystem/Prefetch.swift": "lines of an object that are asked for",
        "Sources/ApusStore/MessageQueueList.swift": "queues lent without a count",
        "Sources/ApusStore/CommitLog/PendingCompletions.swift":
            "completions that are moved without a count",
        "Sources/ApusStore/CommitLog/CommitLog+BatchRecords.swift":
            "frames whose bounds are looked at once for all",
        "Sources/ApusStore/CommitLog/Publication.swift": "queues that waiting appenders hold",
        "Sources/ApusStore/CommitLog/CommitLog+Publish.swift": "queues that waiting appenders hold",
        "Sources/ApusStore/CommitLog/CommitLog+Deferred.swift": "queues that the log's list holds",
        "Sources/ApusSystem/MappedBytes.swift": "holds the pointers to mapped memory",
        "Sources/ApusSystem/Environment.swift": "reads a string of C",
        "Sources/ApusSystem/ProcessLimits.swift": "a system call that fills in a structure",
        "Sources/ApusSystem/ServerProcess.swift": "signals, streams and the environment in C",
        "Sources/ApusSystem/SystemDisk.swift": "system calls on paths and directories",
        "Sources/ApusSystem/SystemFile.swift": "system calls on open files",
        "Sources/ApusSystem/SystemThread.swift": "passes a closure through pthread_create",
        // Floor 2
        "Sources/ApusFormat/CRC32.swift": "hands a span to the checksum in C",
        "Sources/ApusFormat/RecordInspection+Plain.swift": "one check of the bounds for many loads",
        "Sources/ApusFormat/ByteArrays.swift": "arrays and strings as raw memory",
        "Sources/ApusFormat/Field.swift": "loads and stores the fields of all layouts",
        "Sources/ApusFormat/GrowingOutput.swift": "lends its room to a decoder in C",
        "Sources/ApusFormat/HostAddress.swift": "stores an address behind its record's one check",
        "Sources/ApusFormat/PropertyScan.swift": "looks at many bytes at a time",
        "Sources/ApusFormat/ClientBatch.swift": "reads the fields of a frame behind its check",
        "Sources/ApusFormat/PropertySummary.swift": "looks at many bytes at a time",
        "Sources/ApusFormat/RecordEncoder.swift": "stores the fields of a record behind one check",
        "Sources/ApusFormat/LZ4Frame.swift": "calls liblz4",
        "Sources/ApusFormat/Zstandard.swift": "calls libzstd",
        "Sources/ApusFormat/Zlib.swift": "calls libdeflate",
        // Floor 4
        "Sources/ApusRemoting/Header/FieldName.swift": "the bytes of a literal",
        "Sources/ApusRemoting/Wire/ByteSink.swift": "lends the bytes of a string",
        "Sources/ApusRemoting/Wire/CommandEncoder.swift": "copies a span into an array",
        "Sources/ApusRemoting/Wire/MessageIDText.swift": "lends the digits that it holds inline",
        "Sources/ApusRemoting/Header/NumberFields.swift": "names that nobody counts who uses them",
        // Floor 5
        "Sources/ApusBroker/RequestRouter.swift": "a broker that no request counts",
        "Sources/ApusBroker/Handlers/SendAsBefore.swift": "properties of a record on the stack",
        "Sources/ApusBroker/Handlers/SendHeader.swift": "names that no send counts",
        "Sources/ApusBroker/Handlers/SendMemo.swift": "a topic's queues that no send counts",
        "Sources/ApusBroker/State/NameMap.swift": "looks up by a string's own bytes",
    ]
}
