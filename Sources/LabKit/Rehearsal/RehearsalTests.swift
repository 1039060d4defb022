internal import Rehearsals

/// The plan's own tests, run against the lab where the plan says that a rehearsal may.
///
/// The others would contact what the plan is about.
struct RehearsalTests: Sendable {
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
                said: Self.said(ended, seconds: test.seconds)
            )
        } catch {
            try Task.checkCancellation()
            return RehearsalOutcome.Test(name: test.name, result: .failed, said: "\(error)")
        }
    }

    private static func said(_ ended: Tool.Outcome, seconds: Int) -> String {
        // As timeout(1) ends.
        let late =
            ended.status == 124 || ended.status == 137 ? " (not ended after \(seconds) s, perhaps)" : ""
        let output = (ended.output + ended.errors).suffix(mostSaid)
        return "status \(ended.status)\(late)" + (output.isEmpty ? "" : ": \(output)")
    }

    private static func connect(_ servers: [LabHost]) -> String {
        servers.map(\.clientAddress).joined(separator: ",")
    }
}
