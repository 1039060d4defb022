/// What is timed of each server, in its order.
package enum LatencyPart: String, Hashable, Sendable, Codable, CaseIterable {
    case createPermanent = "create permanent"
    case set
    case get
    case deletePermanent = "delete permanent"
    case createEphemeral = "create ephemeral"
    case watch
    case deleteEphemeral = "delete ephemeral"
    case notifications
}

/// How long one part took on one server.
package struct LatencyRow: Hashable, Sendable, Codable {
    package let server: String
    package let part: LatencyPart
    package let operations: Int
    /// From the first request to the last answer.
    package let totalMilliseconds: Double
    package let perOperationMilliseconds: Double
    package let perSecond: Double
    /// Of single operations, from request to answer; of notifications, from the first deletion on.
    package let p50: Double
    package let p95: Double
    package let p99: Double
    package let most: Double

    /// `each` in milliseconds, at least one.
    init(_ server: String, _ part: LatencyPart, total: Double, each: [Double]) {
        self.server = server
        self.part = part
        operations = each.count
        totalMilliseconds = total
        perOperationMilliseconds = each.isEmpty ? 0 : total / Double(each.count)
        perSecond = total > 0 ? Double(each.count) * 1000 / total : 0
        let ordered = each.sorted()
        p50 = Self.share(50, of: ordered)
        p95 = Self.share(95, of: ordered)
        p99 = Self.share(99, of: ordered)
        most = ordered.last ?? 0
    }

    /// The smallest that so many hundredths do not exceed.
    private static func share(_ hundredths: Int, of ordered: [Double]) -> Double {
        guard !ordered.isEmpty else { return 0 }
        let rank = (ordered.count * hundredths + 99) / 100
        return ordered[min(max(rank, 1), ordered.count) - 1]
    }
}

package struct LatencyReport: Hashable, Sendable {
    package struct Failure: Hashable, Sendable, Codable {
        package let server: String
        /// Nil before anything was timed.
        package let part: LatencyPart?
        package let reason: String
    }

    package internal(set) var rows: [LatencyRow] = []
    /// Where the test ended early, and why.
    package internal(set) var failures: [Failure] = []
    package internal(set) var notes: [String] = []

    package var isGood: Bool { failures.isEmpty }
}
