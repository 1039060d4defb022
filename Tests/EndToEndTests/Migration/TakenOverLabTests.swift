import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import SystemCalls
import Testing

/// A coordinator that is lost with its journal in the middle of a division, under writing clients.
@Suite(
    "A coordinator that is lost with its journal",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct TakenOverLabTests {
    @Test(
        "another machine takes the run over and finishes it, whatever one agent says; nothing is lost, and the liar is named",
        .hangLimit,
        arguments: LossTests.strategies
    )
    func takenOver(_ strategy: LabConfiguration.Strategy) async throws {
        try await LabFixture.withLab(strategy: strategy) { lab in
            try await lab.up()
            let coordinator = Coordinator(lab: lab)
            let workload = Workload(lab)
            try await workload.start(seconds: 900)
            try await workload.waitUntilWriting(.source, seconds: 60)
            try await coordinator.runAndDie(after: "division.split")

            let lost = lab.layout.root + "/lost"
            try Folder.make(lost)
            for name in try Folder.entries(lab.layout.control) where name.hasPrefix("journal.sqlite") {
                try FileManager.default.moveItem(
                    atPath: lab.layout.control + "/" + name,
                    toPath: lost + "/" + name
                )
            }
            let elsewhere = lab.layout.root + "/elsewhere"
            try Folder.make(elsewhere + "/control")
            try FileManager.default.copyItem(atPath: lab.layout.pki, toPath: elsewhere + "/pki")

            // No agent gives up what it keeps while it runs.
            let liar = lab.configuration.sourceHosts[0]
            try await stop(liar, lab)
            let entry = try lie(in: lab.layout.host(liar).state + "/chain/entries.jsonl")
            try await lab.startAgent(on: liar)
            try await lab.waitForAgent(on: liar, seconds: 60)

            // The plan is not at hand as it was: the hosts know it.
            let (plan, edited) = (elsewhere + "/plan.yaml", elsewhere + "/edited.yaml")
            let text = try Folder.read(lab.layout.plan)
            try Folder.write(text + "\n# edited since\n", to: edited)
            let another = try await coordinator.perform(["takeover", edited, "--yes", "--write-plan", plan])
            #expect(
                another.status == 1 && another.errors.contains("its plan is in \(plan) now"),
                "\(another.diagnostics)"
            )
            #expect(try Folder.read(plan) == text)
            // A new run would be begun in its place.
            let anew = try await coordinator.perform(["run", plan, "--yes", "--take-over"])
            #expect(
                anew.status == 1 && anew.errors.contains("a new run would take its place. Nothing was begun")
                    && anew.errors.contains("mitosis takeover"),
                "\(anew.diagnostics)"
            )
            let taken = try await coordinator.perform([
                "takeover", plan, "--yes", "--then", "run", "--events", lab.layout.events,
            ])
            #expect(taken.succeeded, "\(taken.diagnostics)")
            #expect(
                taken.output.contains("\(liar.name): DISAGREES from entry \(entry) on"),
                "\(taken.output)"
            )
            #expect(taken.output.contains("it is dividing"), "\(taken.output)")
            print("the liar: \(taken.output.split(separator: "\n").first { $0.contains("DISAGREES") } ?? "")")

            let summary = try await LabRun(lab).summarize(taken.status, workload)
            #expect(summary.problems == [])
            #expect(summary.source.acknowledged > 50 && summary.destination.acknowledged > 50)
            print("\(strategy.rawValue): \(summary.destination.acknowledged) acknowledged, 0 lost")

            // The old coordinator comes back with its journal.
            for name in try Folder.entries(lost) {
                try FileManager.default.moveItem(
                    atPath: lost + "/" + name,
                    toPath: lab.layout.control + "/" + name
                )
            }
            let old = try await coordinator.run()
            #expect(old.status == 1)
            #expect(old.errors.contains("another coordinator has gone on with run"), "\(old.diagnostics)")
        }
    }

    private func stop(_ host: LabHost, _ lab: Lab) async throws {
        let record = lab.layout.host(host).agentRecord
        let process = try #require(try RecordFile.read(ProcessRecord.self, at: record))
        process.signal(SIGKILL)
        try #require(await process.isGone(within: .seconds(20)))
    }

    private struct Line: Codable {
        let run: RunID
        let entry: ChainLink
    }

    /// Another verdict on the detaching, in a chain that is whole and sealed as an agent's own.
    ///
    /// - Returns: the number of the entry.
    private func lie(in path: String) throws -> Int {
        let text = try Folder.read(path)
        let lines = try text.split(separator: "\n").map { line in
            guard case .sound(let object) = SealedJSON.open(Array(line.utf8)) else {
                throw LabError.file(path: path, reason: "a line is not sealed")
            }
            return try JSONDecoder().decode(Line.self, from: Data(object))
        }
        let place = try #require(
            lines.lastIndex { line in
                let content = String(decoding: line.entry.content, as: UTF8.self)
                return content.contains(#""verdict":{"at""#) && content.contains("division.detach")
            }
        )
        let run = lines[place].run
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var chain = lines[..<place].map(\.entry)
        for line in lines[place...] {
            let lie =
                #"{"verdict":{"at":1,"attempt":1,"step":"division.detach","verdict":{"failed":{"reason":"no"}}}}"#
            let content = line.entry.number == place ? Data(lie.utf8) : line.entry.content
            chain.append(ChainLink(after: chain.last?.head, content: content))
        }
        var content: [UInt8] = []
        for entry in chain {
            let line = try encoder.encode(Line(run: run, entry: entry))
            content += SealedJSON.seal(line) + [UInt8(ascii: "\n")]
        }
        try Folder.write(String(decoding: content, as: UTF8.self), to: path)
        return place
    }
}
