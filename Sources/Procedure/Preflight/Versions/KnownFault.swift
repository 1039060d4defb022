package import Settings
package import Topology

/// A row of the table of known faults.
package struct KnownFault: Hashable, Sendable {
    package enum Side: String, Hashable, Sendable {
        case source
        case destination
        case either
        /// Kafka's brokers; the versions are Kafka's.
        case broker
    }

    package enum Verdict: Hashable, Sendable {
        case refuse
        case warn
        /// Only with limits that make it matter; only beside other files' `multiAddress`.
        case slowLimits
        case multiAddress
        /// Refused where a broker's session would not outlast the division; the other, only beside servers whose ephemeral nodes
        /// outlive their session.
        case session
        case staleSession
        /// A check of its own looks for it.
        case check(CheckName)
        /// The procedure does what is to be done.
        case procedure

        init?(_ text: String) {
            switch text {
            case "refuse": self = .refuse
            case "warn": self = .warn
            case "slow-limits": self = .slowLimits
            case "multi-address": self = .multiAddress
            case "session": self = .session
            case "stale-session": self = .staleSession
            case "procedure": self = .procedure
            default:
                guard let check = CheckName(rawValue: text) else { return nil }
                self = .check(check)
            }
        }
    }

    package let name: String
    /// Nil where the version does not matter.
    package let affected: [ClosedRange<ZooKeeperVersion>]?
    package let side: Side
    /// Nil for both.
    package let strategy: MigrationPlan.Strategy?
    package let stage: StageName
    package let harm: String
    package let verdict: Verdict
    package let remedy: String

    package var losesData: Bool { harm.hasPrefix("data loss") }

    package func affects(_ version: ZooKeeperVersion) -> Bool {
        affected.map { $0.contains { $0.contains(version) } } ?? true
    }

    /// Every row, and the lines that make no row.
    package static let table = read(
        String(decoding: PackageResources.known_faults_md, as: UTF8.self)
    )

    package static func read(_ text: String) -> (faults: [KnownFault], mistakes: [String]) {
        var (faults, mistakes): ([KnownFault], [String]) = ([], [])
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("|") }
        // The first two are the heading.
        for line in lines.dropFirst(2) {
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { cell in
                    String(cell.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
                }
            if let fault = KnownFault(cells: cells) {
                faults.append(fault)
            } else {
                mistakes.append(cells.first ?? "")
            }
        }
        return (faults, mistakes)
    }

    private init?(cells: [String]) {
        guard cells.count == 10, let side = Side(rawValue: cells[2]),
            let stage = StageName(rawValue: cells[4]),
            let verdict = Verdict(cells[6]), cells.allSatisfy({ !$0.isEmpty })
        else { return nil }
        if cells[1] == "any" {
            affected = nil
        } else {
            var ranges: [ClosedRange<ZooKeeperVersion>] = []
            for part in cells[1].split(separator: ",") {
                let ends = part.split(separator: "-").map { ZooKeeperVersion(String($0.drop { $0 == " " })) }
                guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last else {
                    return nil
                }
                ranges.append(first...last)
            }
            affected = ranges
        }
        switch cells[3] {
        case "any": strategy = nil
        case let text:
            guard let named = MigrationPlan.Strategy(rawValue: text) else { return nil }
            strategy = named
        }
        name = cells[0]
        self.side = side
        self.stage = stage
        harm = cells[5]
        self.verdict = verdict
        remedy = cells[7]
    }
}
