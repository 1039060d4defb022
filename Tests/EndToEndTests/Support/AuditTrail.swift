import ControlProtocol
import FoundationEssentials
import LabKit
import Testing

/// A host's audit trail after a run, as `mitosis audit` reads it.
struct AuditTrail {
    private struct Status: Decodable {
        let records: RecordState?
    }

    let coordinator: Coordinator
    let host: LabHost

    private var lab: Lab { coordinator.lab }
    private var file: String { lab.layout.host(host).state + "/audit.jsonl" }

    /// Shown, followed from line to line, and held against the newest line that the agent tells; a copy that was changed, or whose
    /// end was cut off, is told from it.
    func expectSound() async throws {
        let table = try await audit(file)
        #expect(table.status == 0, "\(table.diagnostics)")
        let lines = table.output.split(separator: "\n")
        #expect(
            lines.first?.split(separator: " ") == [
                "number", "time", "who", "from", "allowed", "what", "outcome",
            ]
        )
        let address = lab.configuration.control.ipv4
        #expect(
            lines.contains {
                $0.contains("/coordinator/ops ") && $0.contains(address) && $0.contains(" yes ")
                    && $0.contains(" done")
            },
            "\(table.output.suffix(1500))"
        )
        let json = try await audit(file, "--json")
        #expect(json.output == (try Folder.read(file)))

        let head = try await newest()
        let verdict = "lines 1 to \(head.number) follow one another; the last is \(head)\n"
        for options in [[], ["--holds", "\(head.number):\(head.hash.prefix(12))"]] {
            let whole = try await audit([file, "--verify"] + options)
            #expect(whole.status == 0 && whole.output == verdict, "\(whole.diagnostics)")
        }
        try await expectTold(head)
    }

    private func expectTold(_ head: AuditHead) async throws {
        let folder = lab.layout.control + "/trail"
        try Folder.make(folder)
        let (changed, cut) = (folder + "/changed.jsonl", folder + "/cut.jsonl")
        var lines = try Folder.read(file).split(separator: "\n").map(String.init)
        try Folder.write(lines.dropLast().joined(separator: "\n") + "\n", to: cut)
        let place = try #require(lines.dropLast().lastIndex { $0.contains("coordinator/ops") })
        lines[place] = lines[place].replacing("coordinator/ops", with: "coordinator/eve")
        try Folder.write(lines.joined(separator: "\n") + "\n", to: changed)
        // The line that was changed is sound in itself; the next one does not follow it.
        let broken = try await audit(changed, "--verify")
        #expect(
            broken.status == 1 && broken.errors.contains("\(changed):\(place + 2): ")
                && broken.output.isEmpty,
            "\(broken.diagnostics)"
        )
        #expect(try await audit(cut, "--verify").status == 0)
        let short = try await audit(cut, "--verify", "--holds", "\(head)")
        #expect(
            short.status == 1 && short.errors.contains("there is no line \(head) in this trail"),
            "\(short.diagnostics)"
        )
        let vague = try await audit(cut, "--holds", "17")
        #expect(vague.status == 64 && vague.errors.contains("'17' is no number"), "\(vague.diagnostics)")
    }

    /// As the agent's status has it.
    private func newest() async throws -> AuditHead {
        let status = try await coordinator.perform(["status", lab.layout.plan, "--json"])
        let hosts = try JSONDecoder().decode([String: Status].self, from: Data(status.output.utf8))
        return try #require(hosts[host.name]?.records?.audit, "\(status.diagnostics)")
    }

    private func audit(_ words: String...) async throws -> Tool.Outcome { try await audit(words) }

    private func audit(_ words: [String]) async throws -> Tool.Outcome {
        try await coordinator.perform(["audit"] + words)
    }
}
