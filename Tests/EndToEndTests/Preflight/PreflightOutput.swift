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
