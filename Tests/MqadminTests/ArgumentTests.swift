// The command line of `mqadmin`: what is taken, what is refused, and how it ends.

import Foundation
import Testing

@testable import mqadmin

@Suite("mqadmin's command line")
struct ArgumentTests {
    private static let flags: [Flag] =
        [
            .required("t", "topic", "NAME", "the topic"), .valued("o", "offset", "NUMBER", "where"),
            .plain("l", "list", "as a table"),
        ] + Flag.common

    @Test("flags are taken as commons-cli takes them")
    func forms() throws {
        for words in [
            ["-t", "Orders", "-o", "7"], ["--topic", "Orders", "--offset=7"], ["-tOrders", "-o=7"],
            ["-topic", "Orders", "-o7"], ["--topic=Orders", "-offset", " 7 "],
        ] {
            let arguments = try Arguments(words, Self.flags)
            #expect(arguments["topic"] == "Orders" && arguments["offset"] == "7", "\(words)")
            #expect(!arguments.has("list"))
        }
        let others = try Arguments(["-l", "-t", "a=b", "-o", "-1", "-n", "a:1;b:2"], Self.flags)
        #expect(others["topic"] == "a=b" && others["offset"] == "-1" && others.has("list"))
        #expect(Admin.addresses(others["namesrvAddr"] ?? "") == ["a:1", "b:2"])
    }

    @Test(
        "what cannot be followed is refused",
        arguments: [
            [], ["-t"], ["-t", "-l"], ["-t", ""], ["-t", " "], ["-t", "a", "-t", "b"], ["a"],
            ["-t", "a", "-l=true"], ["-t", "a", "-x"], ["-t", "a", "--", "b"], ["---t", "a"],
            ["-t", "a", "-lx"], ["-t", "a", "--l"], ["-"], ["-t", "a", "--list", "b"],
        ])
    func refused(words: [String]) {
        #expect(throws: UsageError.self) { try Arguments(words, Self.flags) }
    }

    @Test("numbers and truths are what they should be, or refused by name")
    func values() throws {
        let arguments = try Arguments(["-t", "True", "-o", "9"], Self.flags)
        #expect(try arguments.truth("topic") == true)
        #expect(try arguments.truth("list") == nil)
        #expect(try arguments.number("offset", 0...9) == Int32(9))
        let error = #expect(throws: UsageError.self) {
            try arguments.number("offset", 0...Int32(8))
        }
        #expect(error?.reason == "--offset is a number from 0 to 8, not 9")
        #expect(throws: UsageError.self) { try arguments.number("topic", 0...Int64.max) }
        #expect(throws: UsageError.self) { try arguments.truth("offset") }
    }

    @Test("a command line that is wrong asks nobody, and ends with 1")
    func badCommandLines() async {
        let lines = [
            [], ["nothing"], ["help", "nothing"], ["topicRoute"], ["topicRoute", "-t"],
            ["updateTopic", "-t", "T"], ["updateTopic", "-t", "T", "-b", "a:1", "-c", "C"],
            ["updateTopic", "-t", "T", "-b", "a:1", "-r", "x"],
            ["updateTopic", "-t", "T", "-b", "a:1", "-a", "x=1"],
            ["updateSubGroup", "-g", "G", "-b", "a:1", "-s", "yes"],
            ["updateSubGroup", "-g", "G", "-b", "a:1", "-p", "{"],
            ["sendMessage", "-t", "T", "-p", "x", "-i", "0"],
            ["sendMessage", "-t", "T", "-p", "x", "-m", "true"],
            ["consumeMessage", "-t", "T", "-c", "0"], ["consumeMessage", "-t", "T", "-i", "0"],
            ["consumeMessage", "-t", "T", "-o", "0"],
            ["consumeMessage", "-t", "T", "-s", "99999999999999"],
            ["consumeMessage", "-t", "T", "-s", "2", "-e", "1"],
            ["resetOffsetByTime", "-g", "G", "-t", "T", "-s", "yesterday"],
            ["resetOffsetByTime", "-g", "G", "-t", "T", "-s", "1", "-q", "0"],
            ["resetOffsetByTime", "-g", "G", "-t", "T", "-s", "1", "-o", "0"],
            ["queryMsgById", "-t", "T", "-i", "X", "-f", "EBCDIC"],
            ["queryMsgById", "-t", "T", "-i", "X", "-g", "G"],
            ["queryMsgByKey", "-t", "T", "-k", "K", "-b", "2", "-e", "1"],
            ["queryCq", "-t", "T", "-q", "0", "-i", "-1"], ["clusterList", "-i", "0"],
        ]
        for line in lines {
            // Nobody listens there: who is asked would show.
            let run = await mqadmin(line, environment: "127.0.0.1:1")
            #expect(run.code == 1 && run.text == "", "\(line)")
            #expect(!run.complaints.contains("127.0.0.1"), "\(line): \(run.complaints)")
        }
    }

    @Test("help tells each command with its flags, within a hundred columns")
    func help() async {
        let overview = await mqadmin(["help"])
        #expect(overview.code == 0 && overview.complaints == "")
        #expect(overview.lines.allSatisfy { $0.count <= 100 })
        for command in AdminTool.commands {
            #expect(overview.text.contains("  \(command.name) "))
            let shown = await mqadmin(["help", command.name.lowercased()])
            #expect(shown.code == 0 && shown.text.hasPrefix("usage: mqadmin \(command.name) "))
            #expect(await mqadmin([command.name, "-h"]).text == shown.text)
            for flag in command.allFlags { #expect(shown.text.contains("--\(flag.long)")) }
            #expect(shown.lines.dropFirst().allSatisfy { $0.count <= 100 }, "\(command.name)")
            let longs = command.allFlags.map(\.long)
            let shorts = command.allFlags.compactMap(\.short)
            #expect(Set(longs).count == longs.count && Set(shorts).count == shorts.count)
            #expect(
                !command.examples.isEmpty
                    && command.examples.allSatisfy { $0.hasPrefix(command.name) })
        }
    }

    @Test("moments are read as RocketMQ writes them, and written as it does")
    func moments() throws {
        let zone = try #require(TimeZone(secondsFromGMT: 7_200))
        let time = TimeText(zone)
        #expect(time.fine(1_795_350_735_490) == "2026-11-22 14:32:15,490")
        #expect(time.text(0) == "1970-01-01 02:00:00")
        #expect(time.milliseconds("2026-11-22#14:32:15:490", now: 0) == 1_795_350_735_490)
        #expect(time.milliseconds("now", now: 7) == 7 && time.milliseconds("-1", now: 7) == -1)
        for text in [
            "", "2026-11-22", "2026-13-22#14:32:15:490", "2026-11-22#14:32:15",
            "2026-02-30#00:00:00:000",
        ] {
            #expect(time.milliseconds(text, now: 7) == nil, "\(text)")
        }
    }

    @Test("numbers have the digits that are asked for")
    func digits() {
        #expect(0.0.text(2) == "0.00" && 1.005.text(1) == "1.0" && 12.345.text(2) == "12.35")
        #expect((-0.25).text(1) == "-0.3" && 7.6.text(0) == "8" && 0.21.text(4) == "0.2100")
        #expect(1e300.text(2) == "1e+300" && Double.nan.text(2) == "nan")
    }
}
