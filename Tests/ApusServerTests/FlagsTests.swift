// Command lines as commons-cli takes them.

import Testing

@testable import ApusServer

@Suite("a command line")
struct FlagsTests {
    /// Takes `-v` with a value and `-f` without.
    private func read(_ words: [String]) throws(BadCommandLine) -> [String] {
        var flags = Flags(words)
        var found: [String] = []
        while let name = try flags.next() {
            switch name {
            case "v", "value": found.append("v:\(try flags.value())")
            case "f", "flag": found.append("f")
            default: throw flags.unknown
            }
        }
        return found
    }

    @Test("has values behind flags or behind =, and long names behind one dash or two")
    func forms() throws {
        #expect(try read([]) == [])
        #expect(try read(["-v", "1", "-f"]) == ["v:1", "f"])
        #expect(try read(["--value=1", "-flag", "-value", "2"]) == ["v:1", "f", "v:2"])
        // A value may look like anything.
        #expect(try read(["-v=a=b", "-v", "-f", "-v", "x y"]) == ["v:a=b", "v:-f", "v:x y"])
    }

    @Test(
        "is refused with the word that is wrong",
        arguments: [
            ("-v", "-v wants a value"), ("-v=", "-v wants a value"), ("-v|", "-v wants a value"),
            ("-f=1", "-f takes no value"), ("--flag=|-f", "--flag takes no value"),
            ("-x=1", "there is no flag -x"), ("word", "word is no flag"), ("|-f", " is no flag"),
            ("-", "- is no flag"), ("--", "-- is no flag"), ("-=1", "-=1 is no flag"),
        ])
    func refused(_ line: String, _ reason: String) {
        let words = line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        let error = #expect(throws: BadCommandLine.self) { try read(words) }
        #expect(error?.reason == reason)
    }
}
