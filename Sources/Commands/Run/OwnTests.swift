import Diagnostics
import Fleet
import Printable
import Settings

/// The operator's own tests, as a run asks for them.
extension ProvingEnsembles {
    /// Lines of what a program printed that stand beside its verdict, and characters of each; the journal keeps the rest.
    private static let lastLines = 10
    private static let lineWidth = 160

    func run(
        _ test: PlannedTest,
        at moment: PlannedTest.Moment,
        _ progress: @escaping @Sendable (String) -> Bool
    ) async -> ProofAnswer {
        let program = OwnProgram(
            test.command,
            within: test.limit,
            environment: ["MITOSIS_TEST": test.name, "MITOSIS_WHEN": moment.rawValue]
        )
        let outcome = await program.run { seconds in
            progress("test '\(test.name)' has run for \(seconds) of \(test.limit.components.seconds) s")
        }
        return Self.answer(test, outcome)
    }

    static func answer(_ test: PlannedTest, _ outcome: OwnProgram.Outcome) -> ProofAnswer {
        let tenths = Int((outcome.seconds * 10).rounded())
        let took = "\(tenths / 10).\(tenths % 10) s"
        let text = PrintableText(lines: SecretValues.hidden(in: outcome.output)).description
        let (result, summary): (ProofAnswer.Result, String) =
            switch outcome.ending {
            case .exited(status: 0): (.proven, "test '\(test.name)' passed in \(took)")
            case .exited(let status):
                (.refuted, "test '\(test.name)' failed: it exited with \(status) after \(took)")
            case .signaled(let number):
                (.refuted, "test '\(test.name)' failed: signal \(number) ended it after \(took)")
            case .late:
                (
                    .refuted,
                    "test '\(test.name)' failed: it had not ended after \(test.limit.components.seconds) s, and was ended"
                )
            case .stopped: (.open, "test '\(test.name)' was ended after \(took), as asked")
            case .notRun(let reason):
                (.open, "test '\(test.name)' could not be run: \(PrintableText(reason, limit: 300))")
            }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: true)
        return ProofAnswer(
            result,
            summary,
            details: result == .proven
                ? [] : lines.suffix(lastLines).map { PrintableText($0, limit: lineWidth).description },
            output: (outcome.isCut ? "[what it printed before was left out]\n" : "") + text
        )
    }
}
