import FoundationEssentials
import LabKit
import Testing

/// What `mitosis preflight --json` prints, as a script would read it.
struct PreflightOutput: Decodable, Sendable {
    struct Finding: Decodable, Sendable {
        let name: String
        let traps: [Int]
        let title: String
        let verdict: String
        let reason: String
        let remedy: String?
        let waiver: String?
    }

    let plan: String
    let strategy: String?
    let findings: [Finding]
    let passed: Int
    let warned: Int
    let failed: Int
    let waived: Int

    func names(_ verdict: String) -> [String] { findings.filter { $0.verdict == verdict }.map(\.name) }

    func finding(_ name: String) -> Finding? { findings.first { $0.name == name } }

    /// Everything that does not pass, for messages.
    var faults: String {
        findings.filter { $0.verdict != "pass" }.map { "\($0.verdict) \($0.name): \($0.reason)" }
            .joined(separator: "\n")
    }
}

/// A check as docs/plan-file.md tells operators of it.
struct DocumentedCheck {
    let name: String
    let traps: [Int]

    /// In their order; those of brokers are the last five.
    static func all() throws -> [DocumentedCheck] {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
            .joined(separator: "/")
        let text = String(
            decoding: try Data(contentsOf: URL(filePath: "\(root)/docs/plan-file.md")),
            as: UTF8.self
        )
        return text.split(separator: "\n").compactMap { line in
            let cells = line.split(separator: "|").map { $0.filter { $0 != " " && $0 != "`" } }
            guard cells.count == 4, cells[2] == "yes" || cells[2] == "no" else { return nil }
            return DocumentedCheck(
                name: cells[0],
                traps: cells[1].split(separator: ",").compactMap { Int($0) }
            )
        }
    }
}

extension Coordinator {
    /// Also compares the exit status with the sums.
    func preflight() async throws -> PreflightOutput {
        let outcome = try await perform(["preflight", lab.layout.plan, "--json"])
        let output: PreflightOutput
        do {
            output = try JSONDecoder().decode(PreflightOutput.self, from: Data(outcome.output.utf8))
        } catch {
            Issue.record("\(error): \(outcome.diagnostics)")
            throw error
        }
        #expect(outcome.status == (output.failed > 0 ? 1 : 0))
        for verdict in [("pass", output.passed), ("warn", output.warned), ("fail", output.failed)] {
            #expect(output.names(verdict.0).count == verdict.1)
        }
        return output
    }
}
