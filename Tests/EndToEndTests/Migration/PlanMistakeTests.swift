import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Mistakes in a plan file, as the real program answers them: with file, line and remedy, and nothing contacted.
@Suite("A plan with a mistake")
struct PlanMistakeTests {
    struct Mistake: Sendable, CustomTestStringConvertible {
        let name: String
        /// What is replaced in a good plan, and by what.
        let old: String
        let new: String
        let line: Int
        let says: String

        var testDescription: String { name }
    }

    static let good = """
        version: 1
        name: example
        strategy: participants
        pki: {directory: ./pki, coordinator: ops, trust_domain: mitosis}
        source:
          servers:
            - {id: 1, host: s1, address: 198.51.100.11}
            - {id: 2, host: s2, address: 198.51.100.12}
            - {id: 3, host: s3, address: 198.51.100.13}
        destination:
          servers:
            - {id: 4, host: d1, address: 198.51.100.21}
            - {id: 5, host: d2, address: 198.51.100.22}
            - {id: 6, host: d3, address: 198.51.100.23}
          seeds: [4, 5]
        """

    static let mistakes = [
        Mistake(name: "duplicate id", old: "{id: 5,", new: "{id: 4,", line: 13, says: "id 4"),
        Mistake(name: "unknown host", old: "[4, 5]", new: "[4, d9]", line: 15, says: "d9"),
        Mistake(
            name: "even destination",
            old: "198.51.100.23}",
            new: "198.51.100.23}\n    - {id: 7, host: d4, address: 198.51.100.24}",
            line: 11,
            says: "odd"
        ),
        Mistake(
            name: "seeds that outvote the source",
            old: "[4, 5]",
            new: "[4, 5, 6]",
            line: 15,
            says: "seeds"
        ),
        Mistake(name: "low destination ids", old: "{id: 3,", new: "{id: 9,", line: 12, says: "id"),
        Mistake(name: "unknown key", old: "strategy:", new: "stratgy:", line: 3, says: "strategy"),
    ]

    @Test("is refused with file, line and remedy", arguments: mistakes)
    func refused(mistake: Mistake) async throws {
        let folder = "/tmp/mitosis-plan-\(UInt32.random(in: 0 ... .max))"
        try Folder.make(folder)
        let path = folder + "/plan.yaml"
        let text = Self.good.replacing(mistake.old, with: mistake.new, maxReplacements: 1)
        try #require(text != Self.good)
        try Folder.write(text + "\n", to: path)
        for verb in ["plan", "run"] {
            let outcome = try await Tool([try Binaries.find().coordinator, verb, path]).outcome()
            #expect(outcome.status != 0)
            #expect(outcome.errors.contains("\(path):\(mistake.line):"), "\(outcome.errors)")
            #expect(outcome.errors.contains(mistake.says), "\(outcome.errors)")
        }
        // Neither a journal nor anything else was made.
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["plan.yaml"])
        try Folder.remove(folder)
    }

    @Test(
        "what is quoted of an argument is text, and moves no cursor",
        arguments: [
            ["status"], ["run"], ["rules", "list"], ["status", "--no-such-option"],
            ["pki", "issue", "agent"],
        ]
    )
    func quoted(verb: [String]) async throws {
        let hostile = "x\u{1B}]0;y\u{7}\u{9B}2J\u{202E}"
        let outcome = try await Tool([try Binaries.find().coordinator] + verb + [hostile, "--\(hostile)"])
            .outcome()
        let first = try await Tool([try Binaries.find().coordinator] + verb + [hostile]).outcome()
        for said in [outcome, first].flatMap({ [$0.errors, $0.output] }) {
            #expect(
                said.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control }
            )
            #expect(!said.contains("\u{202E}"))
        }
        #expect(outcome.status != 0 && first.status != 0 && !outcome.errors.isEmpty && !first.errors.isEmpty)
    }

    @Test("a plan that is not there is refused by name")
    func unreadable() async throws {
        let outcome = try await Tool([try Binaries.find().coordinator, "run", "/nowhere/plan.yaml"]).outcome()
        #expect(outcome.status != 0)
        #expect(outcome.errors.contains("/nowhere/plan.yaml"), "\(outcome.errors)")
    }
}
