import ControlProtocol

/// Decides which of many like requests get a line of their own.
///
/// Pure. Of what one identity asks for again and again, with the same outcome, the first gets a line at once, and the rest
/// of the minute one more with their count. An identity that asks for ever other things gets 20 such kinds a minute, and one
/// line for all else: so whoever floods an agent pushes nobody's evidence out of the trail.
struct AuditThrottle {
    private static let kinds = 20
    private static let identities = 100
    static let window = Duration.seconds(60)

    private struct Kind: Hashable {
        let command: String
        let outcome: String
    }

    private struct Window {
        let began: Duration
        var count = 0
        var last: AuditEntry?
    }

    private var windows: [String: [Kind: Window]] = [:]
    private var swept = Duration.zero

    /// Whether something was counted that no line tells of yet.
    var isPending: Bool { windows.values.contains { $0.values.contains { $0.count > 0 } } }

    /// Whether the entry is to be written now; otherwise it is counted.
    mutating func takes(_ entry: AuditEntry, at now: Duration) -> Bool {
        sweep(at: now)
        let identity =
            windows[entry.identity] != nil || windows.count < Self.identities ? entry.identity : "(others)"
        var kinds = windows[identity] ?? [:]
        var kind = Kind(command: entry.command, outcome: entry.outcome)
        if kinds[kind] == nil, kinds.count >= Self.kinds || identity != entry.identity {
            kind = Kind(command: "(others)", outcome: "(others)")
            kinds[kind] = kinds[kind] ?? Window(began: now)
        }
        guard var known = kinds[kind], known.count > 0 || known.began + Self.window > now else {
            kinds[kind] = Window(began: now)
            windows[identity] = kinds
            return true
        }
        known.count += 1
        known.last = entry
        kinds[kind] = known
        windows[identity] = kinds
        return false
    }

    /// Forgets what came once and not again.
    private mutating func sweep(at now: Duration) {
        guard now - swept > Self.window else { return }
        swept = now
        windows = windows.mapValues { kinds in
            kinds.filter { $0.value.count > 0 || $0.value.began + Self.window > now }
        }
        .filter { !$0.value.isEmpty }
    }

    /// What was counted in minutes that are over; with nil, in all.
    mutating func due(at now: Duration?) -> [AuditEntry] {
        var due: [AuditEntry] = []
        for (identity, kinds) in windows {
            let over = kinds.filter { kind in now.map { kind.value.began + Self.window <= $0 } ?? true }
            due += over.values.compactMap { window in
                var entry = window.last
                entry?.count = window.count
                return entry
            }
            let left = kinds.filter { over[$0.key] == nil }
            windows[identity] = left.isEmpty ? nil : left
        }
        return due.sorted { $0.time < $1.time }
    }
}
