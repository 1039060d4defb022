internal import Printable
internal import Rehearsals

/// The plan's own tests, run against the lab where the plan says that a rehearsal may.
///
/// The others would contact what the plan is about.
package struct RehearsalTests: Sendable {
    /// Characters of what a test printed.
    private static let mostSaid = 600

    let lab: Lab
    let tests: [RehearsedSetup.Test]

    func perform() async throws -> [RehearsalOutcome.Test] {
        var outcomes: [RehearsalOutcome.Test] = []
        for test in tests {
            guard test.isForRehearsals else {
                let why = "not run in a rehearsal: its 'when' does not name 'rehearse'"
                outcomes.append(RehearsalOutcome.Test(name: test.name, result: .notTried, said: why))
                continue
            }
            lab.report("test: \(test.name)")
            outcomes.append(try await perform(test))
        }
        return outcomes
    }

    /// On the clients' host, which reaches the lab and nothing else.
    private func perform(_ test: RehearsedSetup.Test) async throws -> RehearsalOutcome.Test {
        let configuration = lab.configuration
        let environment = [
            "MITOSIS_TEST=\(test.name)", "MITOSIS_WHEN=rehearse",
            "MITOSIS_SOURCE=\(Self.connect(configuration.sourceHosts))",
            "MITOSIS_DESTINATION=\(Self.connect(configuration.destinationHosts))",
        ]
        let limit = ["/usr/bin/timeout", "--kill-after=5", String(test.seconds)]
        let argv = ["/usr/bin/env"] + environment + limit + test.command
        do throws(LabError) {
            let ended = try await lab.run(argv, on: configuration.client)
            return RehearsalOutcome.Test(
                name: test.name,
                result: ended.succeeded ? .passed : .failed,
                said: Self.said(
                    status: ended.status,
                    ended.output + "\n" + ended.errors,
                    seconds: test.seconds
                )
            )
        } catch {
            try Task.checkCancellation()
            return RehearsalOutcome.Test(name: test.name, result: .failed, said: Self.shown("\(error)"))
        }
    }

    /// As people may see it: what a test prints is foreign, and may hold secrets.
    ///
    /// - Parameter seconds: that it was allowed.
    package static func said(status: Int32, _ output: String, seconds: Int) -> String {
        // As timeout(1) ends.
        let late = status == 124 || status == 137 ? " (not ended after \(seconds) s, perhaps)" : ""
        let text = shown(output)
        return "status \(status)\(late)" + (text.isEmpty ? "" : ": \(text)")
    }

    /// The end of it: a secret is found by the name before it, which may lie before that end.
    private static func shown(_ text: String) -> String {
        let lines = PrintableText(lines: SecretValues.hidden(in: text)).description
            .split(separator: "\n", omittingEmptySubsequences: true)
        return String(lines.joined(separator: "\n").suffix(mostSaid))
    }

    private static func connect(_ servers: [LabHost]) -> String {
        servers.map(\.clientAddress).joined(separator: ",")
    }
}
