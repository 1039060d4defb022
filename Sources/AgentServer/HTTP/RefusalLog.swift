package import Logging
import Logs
import Synchronization
import SystemCalls

/// Logs what anybody can cause, and cause again and again: the first of a kind at once, then how many there were, a line a minute.
///
/// A key says what is of one kind, and names nothing that a stranger can choose freely but its address. Kinds beyond `mostKinds`
/// share a line.
package final class RefusalLog: Sendable {
    package typealias Fields = KeyValuePairs<String, String>

    private struct Kind {
        let message: String
        let level: Logger.Level
        let since: ContinuousClock.Instant
        var last: [(key: String, value: String)]
        var kept = 0
    }

    private struct State {
        var kinds: [String: Kind] = [:]
        var isTelling = false
    }

    private static let longestValue = 400
    private static let others = "others"

    private let log: Logger
    private let every: Duration
    private let mostKinds: Int
    private let state = Mutex(State())

    package init(_ log: Logger, every: Duration = .seconds(60), mostKinds: Int = 64) {
        self.log = log
        self.every = every
        self.mostKinds = mostKinds
    }

    package func warning(_ message: String, key: String, fields: Fields) {
        tell(.warning, message, key, fields)
    }
    package func info(_ message: String, key: String, fields: Fields) { tell(.info, message, key, fields) }

    private func tell(_ level: Logger.Level, _ message: String, _ key: String, _ fields: Fields) {
        let bounded = fields.map { (key: $0.key, value: Self.bounded($0.value)) }
        let (isFirst, isAlarmDue) = state.withLock { state -> (Bool, Bool) in
            let key = state.kinds[key] == nil && state.kinds.count >= mostKinds ? Self.others : key
            if state.kinds[key] != nil {
                state.kinds[key]?.kept += 1
                state.kinds[key]?.last = bounded
                return (false, false)
            }
            let name = key == Self.others ? "refusals of many kinds" : message
            state.kinds[key] = Kind(message: name, level: level, since: .now, last: bounded)
            defer { state.isTelling = true }
            return (true, !state.isTelling)
        }
        if isFirst { log.log(level, message, ordered: bounded) }
        if isAlarmDue { Task { await self.tellKept() } }
    }

    /// Runs as long as anything is remembered.
    private func tellKept() async {
        repeat {
            do { try await Task.sleep(for: every) } catch { return }
        } while tellKept(at: .now)
    }

    /// A line for each kind that went on; those that did not are forgotten.
    ///
    /// - Returns: whether anything is still remembered.
    package func tellKept(at now: ContinuousClock.Instant) -> Bool {
        let due = state.withLock { state -> [Kind] in
            var due: [Kind] = []
            for (key, kind) in state.kinds where kind.since.duration(to: now) >= every {
                guard kind.kept > 0 else {
                    state.kinds[key] = nil
                    continue
                }
                due.append(kind)
                state.kinds[key] = Kind(message: kind.message, level: kind.level, since: now, last: [])
            }
            if state.kinds.isEmpty { state.isTelling = false }
            return due
        }
        for kind in due {
            let seconds = Int(kind.since.duration(to: now).seconds.rounded())
            let counted = [(key: "again", value: "\(kind.kept)"), (key: "seconds", value: "\(seconds)")]
            log.log(kind.level, kind.message, ordered: counted + kind.last)
        }
        return state.withLock { $0.isTelling }
    }

    private static func bounded(_ value: String) -> String {
        value.count > longestValue ? value.prefix(longestValue) + "..." : value
    }
}
