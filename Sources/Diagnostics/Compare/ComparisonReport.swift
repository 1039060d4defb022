package import Topology

/// What became of a comparison: counts of everything, and the first findings of each kind.
package struct ComparisonReport: Hashable, Sendable {
    package struct Finding: Hashable, Sendable, Codable {
        package let path: String
        package let kind: NodeJudgement.Kind
        /// Servers that differ.
        package let servers: [String]
        /// The server that they were compared with.
        package let against: String
        package let isWithinSide: Bool
        package let fields: [FieldDifference]
    }

    /// What was not judged, and why.
    package struct Unjudged: Hashable, Sendable, Codable {
        package enum Reason: String, Hashable, Sendable, Codable {
            case dataNotAllowed = "NoAuth: data"
            case accessListNotAllowed = "NoAuth: ACL"
            case childrenNotAllowed = "NoAuth: children, and all below"
            case changing = "still changing after every repetition"
        }

        package let path: String
        package let reason: Reason
        package let servers: [String]
    }

    package struct LostServer: Hashable, Sendable, Codable {
        package let server: String
        package let reason: String
    }

    /// Differences that are newer on the destination if the division was in an earlier epoch.
    private struct Bucket: Hashable {
        var count = 0
        var kept: [Finding] = []
    }

    private struct Suspected: Hashable {
        let zxid: Zxid
        let finding: Finding?
    }

    package let servers: [[String]]
    package let path: String
    package internal(set) var nodes = 0
    package internal(set) var seconds = 0.0
    /// No server has the node that was to be begun with: nothing was compared.
    package internal(set) var isAbsent = false
    package internal(set) var findings: [Finding] = []
    package internal(set) var different = 0
    /// Nodes of the destination that differ and are newer than the division.
    package internal(set) var newer = 0
    /// Ephemeral nodes whose sessions went with the destination.
    package internal(set) var ended = 0
    package internal(set) var unjudged: [Unjudged] = []
    package internal(set) var unjudgedCount = 0
    package internal(set) var lost: [LostServer] = []
    /// Paths that were known and not read, when too few servers were left.
    package internal(set) var unread = 0
    /// The latest transaction that a node shows alike on both sides.
    package internal(set) var common: Zxid?
    private var buckets: [UInt32: Bucket] = [:]
    /// Differences if both sides had these transactions; of more than are kept only the transactions.
    private var suspected: [Suspected] = []
    private let limit: Int

    init(servers: [[String]], path: String, limit: Int) {
        self.servers = servers
        self.path = path
        self.limit = limit
    }

    package var isEqual: Bool { different == 0 && isComplete }
    /// Every node of every server was read and judged, and there was one.
    package var isComplete: Bool { !isAbsent && unjudgedCount == 0 && lost.isEmpty && unread == 0 }

    mutating func add(_ finding: Finding) {
        different += 1
        if findings.count < limit { findings.append(finding) }
    }

    mutating func add(_ finding: Finding, epoch: UInt32) {
        var bucket = buckets[epoch] ?? Bucket()
        bucket.count += 1
        if bucket.kept.count < limit { bucket.kept.append(finding) }
        buckets[epoch] = bucket
    }

    mutating func add(_ finding: Finding, ifCommon zxid: Zxid) {
        suspected.append(Suspected(zxid: zxid, finding: suspected.count < limit ? finding : nil))
    }

    mutating func add(_ item: Unjudged) {
        unjudgedCount += 1
        if unjudged.count < limit { unjudged.append(item) }
    }

    mutating func common(_ zxid: Zxid?) {
        if let zxid, zxid > common ?? Zxid(0) { common = zxid }
    }

    /// Once the latest common transaction is known: a division ends in an election, which begins a later epoch.
    mutating func settle() {
        for (epoch, bucket) in buckets.sorted(by: { $0.key < $1.key }) {
            if let common, epoch > common.epoch {
                newer += bucket.count
            } else {
                different += bucket.count
                findings += bucket.kept.prefix(max(0, limit - findings.count))
            }
        }
        buckets = [:]
        for item in suspected where common.map({ item.zxid <= $0 }) ?? false {
            different += 1
            if let finding = item.finding, findings.count < limit { findings.append(finding) }
        }
        suspected = []
    }
}
