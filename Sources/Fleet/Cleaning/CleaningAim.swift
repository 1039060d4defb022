package import ControlProtocol
import Synchronization

/// What a cleaning removes from hosts.
package enum CleaningAim: Sendable {
    /// Every rule of ours.
    case ours
    /// Rules that somebody made by hand; what hosts say of them is kept until it is told.
    case handMade(HandMadeRequest, HandMadeReports)

    /// What of a status speaks for or against it.
    ///
    /// Rules of somebody's hand are judged as if a wall of ours cut off their addresses; whether there are any, each host is
    /// asked by the command that removes them.
    func facts(_ status: HostStatus) -> RulesFacts {
        switch self {
        case .ours: RulesFacts(status)
        case .handMade(let request, _): RulesFacts(status, walling: Set(request.addresses))
        }
    }

    var command: Command {
        switch self {
        case .ours: .removeWall
        case .handMade(let request, _): .removeHandMadeRules(request: request)
        }
    }

    var step: String {
        switch self {
        case .ours: "rules"
        case .handMade: "hand-made"
        }
    }

    /// A host is clean when its kernel, and with rules of somebody's hand its files too, hold none of them afterwards.
    func outcome(
        of result: CommandResult?,
        on host: HostName,
        _ facts: RulesFacts
    ) -> CleaningBoard.Outcome {
        switch (self, result) {
        case (.ours, .rules(let rules)?):
            guard rules.count == 0, rules.unreadable == nil else {
                return .failed(
                    reason: rules.unreadable.map { "its rules cannot be read: \($0)" }
                        ?? "\(rules.count) rules are left; see `mitosis rules list`"
                )
            }
            return .clean(removed: facts.count)
        case (.handMade(_, let reports), .handMade(let report)?):
            reports.keep(report, of: host)
            return report.isClean
                ? .clean(removed: report.removed) : .failed(reason: report.objection)
        case (.ours, _): return .failed(reason: "its agent did not say which rules are left")
        case (.handMade, _):
            return .failed(reason: "its agent did not say which rules are left; upgrade it")
        }
    }
}

/// The newest report of each host that was cleaned of rules of somebody's hand, until it is told.
package final class HandMadeReports: Sendable {
    private let reports = Mutex<[HostName: HandMadeReport]>([:])

    package init() {}

    func keep(_ report: HandMadeReport, of host: HostName) { reports.withLock { $0[host] = report } }

    func forget(_ host: HostName) { reports.withLock { _ = $0.removeValue(forKey: host) } }

    /// Once.
    package func take(_ host: HostName) -> HandMadeReport? {
        reports.withLock { $0.removeValue(forKey: host) }
    }
}

extension HandMadeReport {
    /// Why the host is not clean, in one line.
    fileprivate var objection: String {
        var parts: [String] = []
        if count > 0 { parts.append("\(count) hand-made rules are left") }
        if copyCount > 0 {
            let first = copies.first.map { ": edit \($0.path) first" } ?? ""
            parts.append("\(copyCount) places in files bring them back\(first)")
        }
        if cutCount > 0 {
            let first = cuts.first.map { ": take the address out of \($0.set) first" } ?? ""
            parts.append("\(cutCount) rules cut an address off by a set\(first)")
        }
        return (parts + problems).joined(separator: "; ")
    }
}
