import ControlProtocol
import Settings

/// The checks of a plan on their way to a verdict: judged on one common look, and asked again only for those that wait.
///
/// A value: what to look at next comes out, what was seen goes in.
struct Inspection: Sendable {
    private struct Row: Sendable {
        let check: Check
        /// Nil until it is decided.
        var verdict: Verdict?
        var holding = 0
        var last: String?
        var reason = "it was not looked at"

        /// What is seen without `unsettled` hosts, which may show something else soon, is looked at again.
        ///
        /// It counts when nothing else was seen in the end.
        mutating func see(_ seen: Verdict, unsettled: [HostName], after elapsed: Duration) {
            let isFinal = unsettled.isEmpty || elapsed >= Inspection.patience
            let note = unsettled.isEmpty ? "" : "; not judged: \(unsettled.list)"
            switch seen {
            case .never(let why):
                reason = why
                if isFinal { verdict = seen }
            case .holds(let observed):
                hold(observed)
                if isFinal, holding >= check.gate.looks { verdict = .holds(observed: observed + note) }
            case .warns(let observed):
                hold(observed)
                if isFinal, holding >= check.gate.looks { verdict = .warns(observed: observed + note) }
            case .waiting(let why):
                holding = 0
                last = nil
                reason = why
                if elapsed >= check.gate.deadline { verdict = .never(reason: why) }
            }
            // A check that needs several looks may take as long again to show them.
            if verdict == nil, elapsed >= max(check.gate.deadline, Inspection.patience) * 2 {
                verdict = .never(reason: reason)
            }
        }

        private mutating func hold(_ observed: String) {
            holding = observed == last ? holding + 1 : 1
            last = observed
            reason = "it keeps changing: \(observed)"
        }
    }

    /// How long a host may be silent, or a server on its way up or down.
    static let patience = Duration.seconds(15)

    private var rows: [Row]
    private var rounds = 0
    private static let longestPause = Duration.seconds(4)

    init(_ checks: [Check]) { rows = checks.map { Row(check: $0) } }

    /// What the undecided checks want to see, merged; nil when all are decided.
    var look: Look? {
        let looks = rows.filter { $0.verdict == nil }.map(\.check.gate.look)
        guard let first = looks.first else { return nil }
        return looks.dropFirst().reduce(first) { $0.merging($1) }
    }

    /// Before the next look: as long as a check asks for, or ever longer, so that a large fleet is asked a handful of times.
    var pause: Duration {
        let open = rows.filter { $0.verdict == nil }
        let asked = open.compactMap(\.check.gate.interval).max()
        if open.allSatisfy({ $0.holding > 0 }), let asked { return asked }
        return max(asked ?? .zero, min(Self.longestPause, .milliseconds(500) * (1 << min(rounds - 1, 4))))
    }

    /// `elapsed`: since the first look began.
    mutating func judge(_ view: FleetView, _ facts: RunFacts, after elapsed: Duration) {
        rounds += 1
        for index in rows.indices where rows[index].verdict == nil {
            let check = rows[index].check
            rows[index].see(
                check.gate.judge(view, facts),
                unsettled: check.gate.look.hosts.filter(view.isUnsettled),
                after: elapsed
            )
        }
    }

    /// One finding for every check, in their order.
    ///
    /// A check that waits still has failed.
    func findings(waivers: [MigrationPlan.Waiver]) -> [Finding] {
        rows.map { row in
            let waiver = waivers.first { $0.check == row.check.name }
            return Self.finding(row.check, row.verdict ?? .waiting(reason: row.reason), waiver)
        }
    }

    static func finding(_ check: Check, _ verdict: Verdict, _ waiver: MigrationPlan.Waiver?)
        -> Finding
    {
        let (result, reason): (Finding.Verdict, String) =
            switch verdict {
            case .holds(let observed): (.pass, observed)
            case .warns(let observed): (.warn, observed)
            case .waiting(let reason), .never(let reason): (.fail, reason)
            }
        guard let waiver else {
            return Finding(
                name: check.name,
                title: check.gate.title,
                verdict: result,
                reason: reason,
                remedy: result == .pass ? nil : check.remedy
            )
        }
        guard result != .pass else {
            return Finding(
                name: check.name,
                title: check.gate.title,
                verdict: .warn,
                reason: "it is waived, and that is not needed: \(reason)",
                remedy: "Remove the waiver on line \(waiver.line) of the plan"
            )
        }
        return Finding(
            name: check.name,
            title: check.gate.title,
            verdict: .waived,
            reason: reason,
            remedy: check.remedy,
            waiver: waiver.reason
        )
    }
}
