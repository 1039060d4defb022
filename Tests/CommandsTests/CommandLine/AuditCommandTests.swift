import ArgumentParser
import ControlProtocol
import FoundationEssentials
import Reporting
import TestSupport
import Testing

@testable import Commands

@Suite("mitosis audit")
struct AuditCommandTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Lines that follow one another, as an agent writes them.
    private func lines(_ count: Int, after start: AuditHead = .beginning) throws -> [String] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var head = start
        return try (0..<count).map { _ in
            var entry = AuditEntry(
                time: 1_800_000_000_000,
                identity: "spiffe://mitosis/coordinator/ops",
                serial: "5",
                peer: "198.51.100.1:40000",
                command: "remove wall \u{1B}[31m\u{202E}",
                outcome: "done",
                milliseconds: 3
            )
            (entry.number, entry.previous) = (head.number + 1, head.hash)
            let line = try encoder.encode(entry)
            head = AuditHead(of: line, number: head.number + 1)
            return String(decoding: line, as: UTF8.self)
        }
    }

    private func write(_ lines: some Sequence<String>, _ name: String) throws -> String {
        try folder.write(lines.map { $0 + "\n" }.joined(), to: name)
    }

    private func complaint(_ arguments: [String]) throws -> String {
        let command = try MitosisCommand.parseAsRoot(["audit"] + arguments)
        let error = #expect(throws: Complaint.self) {
            let command = try #require(command as? AuditCommand)
            try command.run()
        }
        return error?.description ?? ""
    }

    @Test("rotated files are read in their order, and a sound trail is told to be so")
    func sound() throws {
        let all = try lines(9)
        let newest = try write(all[6...], "audit.jsonl")
        _ = try write(all[3..<6], "audit.jsonl.1")
        _ = try write(all[..<3], "audit.jsonl.2")
        let reading = try AuditReading([newest])
        #expect(reading.broken == nil && reading.entries.count == 9)
        let last = AuditHead(of: Data(all[8].utf8), number: 9)
        #expect(reading.verdict == "lines 1 to 9 follow one another; the last is \(last)")
        let shuffled = try AuditReading([newest, newest + ".2", newest + ".1"])
        #expect(shuffled.broken == nil && shuffled.entries.count == 9)
        for arguments in [["--verify"], ["--json"], [], ["--verify", "--holds", "\(last)"]] {
            let command = try #require(
                try MitosisCommand.parseAsRoot(["audit", newest] + arguments) as? AuditCommand
            )
            try command.run()
        }
    }

    @Test("the first break is named with its file and line, over the borders of files too")
    func broken() throws {
        var all = try lines(9)
        let newest = try write(all[6...], "audit.jsonl")
        _ = try write(all[..<3], "audit.jsonl.2")
        // A file is missing.
        #expect(
            try complaint([newest, newest + ".2", "--verify"]).hasPrefix(
                "\(newest):1: it is number 7, and should be 4"
            )
        )
        all[4] = all[4].replacing("coordinator/ops", with: "coordinator/ups")
        _ = try write(all[3..<6], "audit.jsonl.1")
        let text = try complaint([newest, "--verify"])
        #expect(
            text.hasPrefix("\(newest).1:3: it does not follow the line before it: one of the two was changed")
        )
        #expect(text.contains("lines 1 to 5 follow one another"))
        #expect(try complaint([newest, "--json"]).hasPrefix("\(newest).1:3: "))
        // Lines from anywhere may say anything.
        let sound = try lines(1)[0]
        for (field, number) in [
            ("time", "\(Int64.max)"), ("time", "\(Int64.min)"), ("milliseconds", "-1"),
            ("milliseconds", "\(Int.max)"),
        ] {
            let said = try Regex("\"\(field)\":[0-9]+")
            let absurd = sound.replacing(said, with: "\"\(field)\":\(number)")
            let path = try folder.write(absurd + "\n", to: "absurd")
            for arguments in [[], ["--json"], ["--verify"]] {
                let text = try complaint([path] + arguments)
                #expect(
                    text.hasPrefix("\(path):1: it says what cannot be: \(field) is \(number), not "),
                    "\(text)"
                )
            }
        }
        let deep = try folder.write(
            String(sound.dropLast()) + ",\"more\":" + String(repeating: "[", count: 100_000) + "\n",
            to: "deep"
        )
        #expect(try complaint([deep]).hasPrefix("\(deep):1: it is no line of an audit trail"))
    }

    @Test("an end that is gone shows by a line that was told elsewhere")
    func cut() throws {
        let all = try lines(9)
        let path = try write(all[..<7], "audit.jsonl")
        let last = AuditHead(of: Data(all[8].utf8), number: 9)
        let text = try complaint([path, "--verify", "--holds", "9:\(last.hash.prefix(12))"])
        #expect(
            text.hasPrefix(
                "\(path): there is no line 9:\(last.hash.prefix(12)) in this trail; it ends with 7:"
            )
        )
        #expect(throws: (any Error).self) {
            try MitosisCommand.parseAsRoot(["audit", path, "--holds", "9:abc"])
        }
    }

    @Test("nothing in a trail writes to the terminal")
    func printable() throws {
        let path = try write(try lines(2), "audit.jsonl")
        let text = AuditTable(try AuditReading([path]).entries).text
        #expect(!text.contains("\u{1B}") && !text.contains("\u{202E}"))
        #expect(text.contains(#"remove wall \u{1B}[31m\u{202E}"#) && text.contains("2027-01-15T08:00:00Z"))
    }

    @Test("a trail that was emptied, whose lines lost their numbers, or that never was one, is not verified")
    func nothingChained() throws {
        let empty = try folder.write("", to: "empty")
        #expect(try complaint([empty, "--verify"]).hasPrefix("\(empty): no line that is chained: no line. "))
        let junk = try folder.write("something", to: "junk")
        #expect(try complaint([junk, "--verify"]).contains("behind them 9 bytes that are no whole line"))
        let old =
            #"{"time":1,"identity":"i","serial":"s","peer":"p","command":"c","outcome":"o","milliseconds":1}"#
        let stripped = try folder.write(old + "\n", to: "stripped")
        #expect(
            try complaint([stripped, "--verify"]).contains("1 lines of a version that did not chain them")
        )
    }

    @Test("what is no trail, and what cannot be read, is named")
    func foreign() throws {
        #expect(try complaint([folder.path + "/absent"]).hasPrefix(folder.path + "/absent: No such file"))
        #expect(try complaint([folder.path]).contains("not a plain file"))
        let path = try folder.write("something\n", to: "other")
        #expect(try complaint([path, "--verify"]).hasPrefix("\(path):1: it is no line of an audit trail"))
    }
}
