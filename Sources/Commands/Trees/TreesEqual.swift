import ControlProtocol
import Diagnostics
import Procedure
import Settings
import SystemCalls
import Topology
import ZooKeeperClient

/// The trees of both sides compared, as `mitosis compare` does it, by the run's own split.
struct TreesEqual {
    /// What the note of a seal that was taken off has left on a root.
    private static let ofNote: Set<NodeField> = [.childrenVersion, .sequence, .childrenModification]

    private let run: FinishedRun
    private let credentials: [Credentials]
    private let logging: LogOptions

    init(_ run: FinishedRun, _ credentials: [Credentials], _ logging: LogOptions) {
        self.run = run
        self.credentials = credentials
        self.logging = logging
    }

    /// Throws what keeps the source's copy from being a mere copy.
    func prove() async throws {
        for tree in run.plan.census.trees { try await prove(tree) }
    }

    private func prove(_ tree: String) async throws {
        let plan = run.plan
        var options = TreeComparison.Options()
        options.rate = plan.proofs.rate
        options.credentials = credentials
        options.except = Set(plan.proofs.except)
        if let split = run.record.facts.split { options.newer = .above(split) }
        let wasUnsealed = try run.wasUnsealed()
        if wasUnsealed { options.ignored = [.accessVersion] }
        let sides = ComparedSides(
            source: plan.source.map { ComparedServer($0) },
            destination: plan.destination.map { ComparedServer($0) }
        )
        let report = await TreeComparison(
            sides,
            path: tree,
            options: options,
            timing: .system,
            log: logging.logger
        ).report()
        let text = ComparisonText(report)
        Output.write(text.text)
        let ours = report.findings.count { finding in
            wasUnsealed && finding.path == tree && finding.kind == .changed
                && finding.fields.allSatisfy { Self.ofNote.contains($0.field) }
        }
        if ours > 0 { Output.write("\(tree): what differs is what the seal that was taken off has left\n") }
        if let doubt = Self.doubt(report, besides: ours) {
            throw Complaint("\(tree): \(doubt). Nothing was changed")
        }
    }

    /// What keeps this report from proving a mere copy; nil when nothing does.
    ///
    /// - Parameter ours: differences that a seal has left.
    static func doubt(_ report: ComparisonReport, besides ours: Int) -> String? {
        if report.isAbsent { return "no server of either side has it, so that there is no copy to be judged" }
        // Directories in which clients go on making nodes, on the destination, may change all the time.
        let isJudged =
            report.unjudgedCount == report.unjudged.count
            && report.unjudged.allSatisfy { $0.reason == .changing }
        guard report.different == ours, report.lost.isEmpty, report.unread == 0, isJudged else {
            return
                "both sides are not equal, or could not be read whole, as told above: the source's copy may be more than a copy"
        }
        return nil
    }
}
