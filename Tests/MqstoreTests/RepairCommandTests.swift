// `mqstore repair` through the built executable.

import Foundation
import Testing

private let queue = "consumequeue/GoldA/1/00000000000000000000"

@Test("repair proposes with code 1, does it with code 0, and has then nothing to do")
func repairCodes() throws {
    let store = try GoldenStore(GoldenStore.clean)
    try store.flip(107, of: queue)
    let before = try store.fingerprint()
    let proposed = try Run(mqstore: "repair", store.path)
    #expect(proposed.code == 1)
    #expect(proposed.output.contains("PROPOSED: rebuild-queue, in consumequeue/GoldA/1"))
    #expect(proposed.output.contains("Nothing was changed. --apply carries out this 1 step."))
    #expect(try store.fingerprint() == before, "a dry run writes nothing")
    #expect(proposed.errors == "", "no progress where nobody looks")
    let done = try Run(mqstore: "repair", store.path, "--apply")
    #expect(done.code == 0)
    #expect(done.output.contains("quarantine/consumequeue-GoldA-1-00000000000000000000-1"))
    #expect(done.output.hasSuffix("Done, in 1 step: the store is sound.\n"))
    let again = try Run(mqstore: "repair", store.path, "--apply")
    #expect(again.code == 0)
    #expect(again.output == "Nothing to do: the store is sound.\n")
    #expect(try Run(mqstore: "verify", store.path).code == 0)
}

@Test("repair --json has steps, losses, what remains, and a summary")
func repairJSON() throws {
    let store = try GoldenStore(GoldenStore.clean)
    try store.flip(107, of: queue)
    try store.flip(90, of: "commitlog/00000000000000065536")
    let run = try Run(mqstore: "repair", store.path, "--apply", "--json")
    #expect(run.code == 1)
    let lines = try run.lines.map {
        try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(lines.map { $0["step"] as? String } == ["rebuild-queue", nil, nil, nil])
    let lost = lines[1]["lost"] as? [String: Any]
    #expect(lost?["topic"] as? String == "GoldA" && lost?["firstQueueOffset"] as? Int == 35)
    let remains = lines[2]["remains"] as? [String: Any]
    #expect(remains?["kind"] as? String == "damaged-record")
    let summary = lines[3]["summary"] as? [String: Any]
    #expect(summary?["applied"] as? Bool == true && summary?["after"] as? String == "findings")
}

@Test("repair --salvage-to makes a store, once, and says what went where")
func salvageCommand() throws {
    let store = try GoldenStore(GoldenStore.clean)
    try store.flip(90, of: "commitlog/00000000000000065536")
    let target = store.path + ".salvaged"
    let run = try Run(mqstore: "repair", store.path, "--salvage-to", target)
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.output.contains("Copied 373 records"))
    #expect(run.output.contains("0 to 65350 -> 65536 to 130886"))
    #expect(try Run(mqstore: "verify", target).code == 0)
    #expect(try Run(mqstore: "repair", store.path, "--salvage-to", target).code == 2)
}

@Test("repair of what is no store, or with flags that make no sense, is code 2")
func repairRefusals() throws {
    let store = try GoldenStore(GoldenStore.clean)
    #expect(try Run(mqstore: "repair", "/nowhere").code == 2)
    #expect(try Run(mqstore: "repair", store.path, "--queue-file-size", "21").code == 2)
    #expect(try Run(mqstore: "repair", store.path, "--salvage-to", "x", "--apply").code == 2)
}
