import Fleet
import Settings

/// Nodes of what moves whose children this program may not read: whoever holds something below them is not seen.
struct ClosedNodes {
    /// What decides nothing, as the plan says.
    let excused: [String]
    /// What is not known.
    let undecided: [String]

    init(_ found: TreeEphemerals, _ census: PlannedCensus) {
        var pathsByReason: [String: [String]] = [:]
        var open: [String] = []
        for path in found.unreadablePaths {
            if let reason = census.reason(toLeaveUnread: path) {
                pathsByReason[reason, default: []].append(path)
            } else {
                open.append(path)
            }
        }
        excused = pathsByReason.sorted { $0.key < $1.key }.map { reason, paths in
            "what is below \(Census.list(paths, most: 3)), which may not be read, is ignored by the plan: \(reason)"
        }
        // Those that are not named are nobody's.
        let count = open.count + max(0, found.unreadable - found.unreadablePaths.count)
        guard count > 0 else {
            undecided = []
            return
        }
        let names = open.prefix(3).joined(separator: ", ")
        undecided = [
            "\(count) nodes may not be read by this program, so that who holds what is below them is not known"
                + (names.isEmpty ? "" : ": \(names)\(count > 3 ? " and more" : "")")
                + "; name credentials that may read them under 'auth' in the plan, or each as 'path', with a reason, under "
                + "'clients.ignore'"
        ]
    }
}
