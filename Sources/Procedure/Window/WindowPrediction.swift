import Topology

/// How long the division will leave the destination's clients without ZooKeeper.
///
/// docs/division.md has the formula, and where its constants come from. Milliseconds throughout.
package struct WindowPrediction: Hashable, Sendable, Codable {
    /// From the detaching of the first node to the start of the first programs.
    package static let work = 320
    /// How long a candidate waits for a better vote before it takes itself for elected (`FastLeaderElection.finalizeWait`).
    package static let election = 200
    /// A JVM with an empty tree, and what each MB of data adds.
    static let emptyStart = 1100
    static let startPerMegabyte = 37
    /// When an election is taken for stalled, and what each MB of data adds to that.
    static let stall = 4000
    static let stallPerMegabyte = 20
    private static let longest = 86_400_000
    /// Of sessions, and of those that are not known.
    private static let mostNamed = 10

    /// The slowest of the nodes that are to start, from its process's start until it serves.
    package let start: Int
    /// Whether they were seen to start with this data; else `start` is guessed from its size.
    package let isMeasured: Bool
    package let megabytes: Int
    /// What the destination's leader waits for its followers at the most: `initLimit` ticks; nil when it is not known.
    package let limit: Int?
    /// Each client's session timeout, as the destination's servers clamp it.
    package let sessions: [String: Int]
    /// Further clients, whose sessions are as long or longer; nil for none.
    package let more: Int?
    /// Of whom it is not known how long their sessions last, and why; nil for nobody, and in journals of earlier versions.
    package let untold: [String]?

    package init(
        starts: [Int],
        bytes: UInt64,
        limit: Int?,
        sessions: [String: Int],
        more: Int = 0,
        untold: [String] = []
    ) {
        megabytes = Int(clamping: bytes / 1_000_000)
        isMeasured = !starts.isEmpty
        let guessed = Self.emptyStart.plus(saturating: megabytes.times(saturating: Self.startPerMegabyte))
        start = min(max(starts.max() ?? guessed, 0), Self.longest)
        self.limit = limit
        self.sessions = sessions
        self.more = more > 0 ? more : nil
        let rest = untold.count - Self.mostNamed
        let named = Array(untold.prefix(Self.mostNamed)) + (rest > 0 ? ["\(rest) more"] : [])
        self.untold = untold.isEmpty ? nil : named
    }

    package var window: Int { Self.work + start + Self.election }

    /// With one election that stalls, and is begun anew.
    package var worst: Int {
        window.plus(saturating: start).plus(saturating: Self.stall)
            .plus(saturating: megabytes.times(saturating: Self.stallPerMegabyte))
    }

    /// What a session must outlast: predictions were up to a third off.
    package var needed: Int { window * 4 / 3 }

    package var sentence: String {
        let parts =
            "\(Self.work) ms of work + \(start) ms for the slowest start ("
            + (isMeasured
                ? "as the nodes were seen to start with this data" : "guessed from \(megabytes) MB of data")
            + ") + \(Self.election) ms of an election"
        let expected = "expected window \(window) ms: \(parts); \(worst) ms if an election stalls"
        let unknown = untold.map {
            "how long sessions last is not known of \($0.joined(separator: ", "))"
        }
        return ([expected] + margins + [unknown].compactMap(\.self)).joined(separator: "; ")
    }

    private var margins: [String] {
        let ordered = Self.ordered(sessions)
        let named = ordered.prefix(Self.mostNamed)
            .map { "\($0.key) has \($0.value) ms, margin \($0.value.minus(saturating: window)) ms" }
        let rest = ordered.count - named.count + (more ?? 0)
        return rest > 0 ? named + ["\(rest) more have as much or more"] : named
    }

    /// The shortest first.
    static func ordered(_ sessions: [String: Int]) -> [(key: String, value: Int)] {
        sessions.sorted { ($0.value, $0.key) < ($1.value, $1.key) }
    }

    /// Why nobody should divide with it; nil when all sessions outlast it.
    package var objection: String? {
        if let limit, start > limit {
            return
                "a node takes \(start) ms to start with this data, and the destination's leader waits initLimit x tickTime, "
                + "\(limit) ms, for its followers: raise initLimit in the destination's files"
        }
        let short = Self.ordered(sessions).filter { $0.value < needed }.map(\.key)
        guard !short.isEmpty else { return nil }
        return
            "\(Census.list(short, most: Self.mostNamed)): the session is shorter than \(needed) ms, the window and a third of it"
    }
}
