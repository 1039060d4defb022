import ArgumentParser
import Procedure

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Perform the migration, or go on with one that stopped.",
        discussion: """
            Every step is written to the journal before and after. Ctrl-C stops at the next resting place, twice at \
            once; `mitosis run` with the same plan file goes on from there. With --until or --pause-before it ends between \
            two stages, with status 0.
            """
    )

    @OptionGroup var options: RunOptions
    @Option(help: "End when this stage is over: \(Self.stages).") var until: StageName?
    @Option(help: "End before this stage, without asking its question.") var pauseBefore: StageName?
    @Option(
        help: ArgumentHelp(
            "Go on although the run stopped at a smoke test, a comparison or a test of your own, and keep this reason with it.",
            valueName: "reason"
        )
    )
    var accept: String?

    private static var stages: String { StageName.forward.map(\.rawValue).joined(separator: ", ") }

    func validate() throws {
        if until != nil, pauseBefore != nil {
            throw ValidationError("--until and --pause-before both say where the run ends: give one of them")
        }
        guard accept?.allSatisfy(\.isWhitespace) != true else {
            throw ValidationError("--accept says why: 'two nodes of a test client, deleted'")
        }
    }

    func run() async throws {
        let resting = until.map { RestingPoint.after($0) } ?? pauseBefore.map { RestingPoint.before($0) }
        try await Conductor(options, resting: resting, accepting: accept).perform(.forward)
    }
}

extension StageName: ExpressibleByArgument {
    /// What may be named on the command line.
    public static var allValueStrings: [String] { forward.map(\.rawValue) }

    /// Nil unless it is a stage of a run that goes forward.
    public init?(argument: String) {
        guard let name = StageName(rawValue: argument), StageName.forward.contains(name) else { return nil }
        self = name
    }
}
