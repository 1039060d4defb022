import ControlProtocol
import Topology

/// The hosts of a board in so many lines: all of them, or those that are unlike their group and as many more as there is room for.
struct LiveTable {
    struct Column {
        let title: String
        let width: Int
        let isNumber: Bool
        let text: (LiveHost, SeenGroup) -> String
    }

    /// Milliseconds.
    private static let oldKafka: Int64 = 15_000

    private let columns: [Column]

    /// For a screen of this width: the more there is, the more is shown.
    init(width: Int) {
        var columns = [
            Column(title: "host", width: width < 60 ? 12 : 16, isNumber: false) { host, _ in
                host.name.description
            },
            Column(title: "role", width: 9, isNumber: false) { host, _ in host.condition.word },
        ]
        if width >= 60 {
            columns.append(
                Column(title: "zxid", width: 14, isNumber: false) { host, _ in
                    host.zxid?.description ?? "-"
                }
            )
        }
        columns += [
            Column(title: "lag", width: 6, isNumber: true) { host, group in group.lag(of: host).word },
            Column(title: "conns", width: 6, isNumber: true) { host, _ in Self.number(host.stats?.connections)
            },
            Column(title: "rules", width: 5, isNumber: true) { host, _ in Self.number(host.rules) },
        ]
        if width >= 120 {
            columns += [
                Column(title: "waiting", width: 8, isNumber: true) { host, _ in
                    Self.number(host.stats?.outstanding)
                },
                Column(title: "nodes", width: 9, isNumber: true) { host, _ in
                    Self.number(host.stats?.nodeCount)
                },
                Column(title: "version", width: 11, isNumber: false) { host, _ in
                    host.stats?.version.description ?? "-"
                },
                Column(title: "runs with", width: 22, isNumber: false) { host, _ in
                    host.status?.zookeeper?.runningView.map { view in
                        view.map(\.id).sorted().map(\.description).joined(separator: ",")
                    } ?? "-"
                },
                Column(title: "free", width: 9, isNumber: true) { host, _ in
                    host.status?.zookeeper?.diskFree.map { "\($0 / 1_000_000_000) GB" } ?? "-"
                },
                Column(title: "agent", width: 10, isNumber: false) { host, _ in
                    host.status?.agentVersion ?? "-"
                },
            ]
        }
        columns.append(
            Column(title: "service", width: 0, isNumber: false) { host, _ in host.service }
        )
        self.columns = columns
    }

    private static func number(_ value: Int?) -> String { value.map(String.init) ?? "-" }

    var header: LiveLine {
        LiveLine("  " + columns.map { Self.cell($0.title, $0) }.joined(separator: " "), .faint)
    }

    /// At most so many lines; the groups in their order, each under a line of its own.
    ///
    /// - Parameter now: Unix milliseconds.
    func lines(_ board: LiveBoard, room: Int, now: Int64) -> [LiveLine] {
        let groups = board.groups.map { ($0, SeenGroup($0, board.answers)) }
        let kafka = Self.kafka(board, now: now)
        let needed = groups.reduce(0) { $0 + 1 + $1.1.hosts.count }
        if needed <= room {
            return groups.flatMap { group, seen in
                [heading(seen, groups.map(\.1), kafka)] + seen.inOrder(of: group).map { line($0, seen) }
            }
        }
        let shares = Self.shares(groups.map(\.1), room: room)
        var lines: [LiveLine] = []
        for ((_, seen), share) in zip(groups, shares) {
            lines.append(heading(seen, groups.map(\.1), kafka))
            lines += seen.hosts.prefix(share).map { line($0, seen) }
            if share > 0, share < seen.hosts.count {
                lines.append(rest(Array(seen.hosts.dropFirst(share)), seen))
            }
        }
        return Array(lines.prefix(room))
    }

    /// How many hosts of each group are shown: what is unlike its group before what is not, and the groups in turn.
    private static func shares(_ groups: [SeenGroup], room: Int) -> [Int] {
        var shares = groups.map { _ in 0 }
        func used(_ shares: [Int]) -> Int {
            zip(groups, shares).reduce(0) { sum, next in
                let (group, share) = next
                return sum + 1 + share + (share > 0 && share < group.hosts.count ? 1 : 0)
            }
        }
        for limits in [groups.map(\.unlike.count), groups.map(\.hosts.count)] {
            var isRoom = true
            while isRoom {
                isRoom = false
                for index in groups.indices where shares[index] < limits[index] {
                    var next = shares
                    next[index] += 1
                    // Where one more needs a line for the rest besides, two more may need none.
                    if used(next) <= room {
                        shares = next
                        isRoom = true
                    }
                }
            }
        }
        return shares
    }

    private func line(_ host: LiveHost, _ group: SeenGroup) -> LiveLine {
        let isUnlike = group.unlike.contains(host.name)
        let text = columns.map { Self.cell($0.text(host, group), $0) }.joined(separator: " ")
        return LiveLine((isUnlike ? "! " : "  ") + text, isUnlike ? .bad : .plain)
    }

    /// What was seen before the window, or longer ago than Kafka is looked at, is told with its age.
    private static func kafka(_ board: LiveBoard, now: Int64) -> String? {
        guard let kafka = board.kafka, let seenAt = board.kafkaSeenAt else { return nil }
        let partitions = "\(kafka.underReplicated) partitions under-replicated"
        let age = now.minus(saturating: seenAt)
        if age <= oldKafka, board.sideOfKafka != nil {
            return "; \(kafka.registered) of \(kafka.planned) registered, \(partitions)"
        }
        return "; \(LiveTime.clock(age)) ago: \(kafka.registered) registered, \(partitions)"
    }

    private func heading(_ group: SeenGroup, _ groups: [SeenGroup], _ kafka: String?) -> LiveLine {
        var text = "\(group.kind.rawValue): \(Self.counted(group.hosts))"
        let clients = group.hosts.compactMap(\.stats?.connections).reduce(0) { $0.plus(saturating: $1) }
        if let newest = group.newest {
            text += "; \(clients) connections"
            // While both sides are one ensemble its leader counts the sessions of both.
            let isOne = groups.contains(where: \.followsAnother)
            if let sessions = group.sessions { text += ", \(sessions) sessions" + (isOne ? " in all" : "") }
            text += "; at \(newest)"
        }
        if group.kind == .brokers, let kafka { text += kafka }
        return LiveLine(text, .strong)
    }

    private func rest(_ hosts: [LiveHost], _ group: SeenGroup) -> LiveLine {
        var text = "  and \(hosts.count) more: \(Self.counted(hosts))"
        let lags = hosts.compactMap { host -> UInt64? in
            switch group.lag(of: host) {
            case .behind(let count): count
            case .unknown, .earlierEpoch: nil
            }
        }
        text += Self.range("lag", lags) + Self.range("rules", hosts.compactMap(\.rules))
        return LiveLine(text, .faint)
    }

    private static func range<Number: Comparable>(_ name: String, _ values: [Number]) -> String {
        guard let least = values.min(), let most = values.max() else { return "" }
        return ", \(name) " + (least == most ? "\(most)" : "\(least) to \(most)")
    }

    /// `3 of 3 serving`, `48 of 50 serving, 2 looking for a leader`.
    private static func counted(_ hosts: [LiveHost]) -> String {
        var kinds: [(kind: String, count: Int)] = []
        for kind in hosts.map(\.condition.kind) {
            if let index = kinds.firstIndex(where: { $0.kind == kind }) {
                kinds[index].count += 1
            } else {
                kinds.append((kind, 1))
            }
        }
        kinds.sort { $0.count > $1.count }
        return kinds.enumerated().map { index, part in
            index == 0 ? "\(part.count) of \(hosts.count) \(part.kind)" : "\(part.count) \(part.kind)"
        }.joined(separator: ", ")
    }

    private static func cell(_ text: String, _ column: Column) -> String {
        let shown = LiveLine(text).text
        guard column.width > 0 else { return shown }
        let cut = shown.count > column.width ? shown.prefix(column.width - 1) + "~" : shown[...]
        let pad = String(repeating: " ", count: column.width - cut.count)
        return column.isNumber ? pad + cut : cut + pad
    }
}
