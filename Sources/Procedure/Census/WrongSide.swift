package import ControlProtocol
package import Fleet
package import Settings
package import Topology

/// Writes into what has moved that went to the source after the division: the destination never sees them.
///
/// A value that grows with each look; docs/clients.md says what can be told and what cannot.
package struct WrongSide: Hashable, Sendable {
    /// Writes that are kept; what is beyond is counted.
    package static let most = 1000

    /// What is known of one server's log.
    private struct Reading: Hashable {
        var after: Zxid
        var place: LogPlace?
        var hasMore = false
        var count = 0
        /// Of sessions of `mitosis` itself.
        var own = 0
        var expired = 0
        var unread = 0
        var gap: String?
        /// Why nothing came of the last question; at first, that none was asked.
        var silence: String? = "was not asked"
    }

    /// One change of one node; a transaction may have several.
    private struct Key: Hashable {
        let zxid: Zxid
        let path: String
        let kind: WritesReport.Kind

        init(_ write: WritesReport.Write) {
            (zxid, path, kind) = (write.zxid, write.path, write.kind)
        }
    }

    package let trees: [String]
    /// The last transaction before the division.
    package let split: Zxid
    /// When the destination was first seen to lead, Unix milliseconds; nil when that is not known.
    private let windowEnd: Int64?
    private let destinationIDs: Set<ServerID>
    /// Where whoever wrote belongs.
    private let destination: String
    private var names: [IPAddress: ClientName]
    private var readings: [HostName: Reading]
    /// Sessions in which `mitosis` itself has changed the old copy, by the command's name.
    private var own: [SessionNumber: String] = [:]
    private var found: [Key: WritesReport.Write] = [:]
    private var told: Set<Key> = []
    /// Seen, and not yet told, as another server may still say where its session is.
    private var waiting: Set<Key> = []
    /// Sessions of which every source server has told, when it was asked, that it has no connection of theirs.
    private var absent: Set<SessionNumber> = []
    /// Addresses that are connected to the source and that the plan does not know, in order.
    package private(set) var strangers: [IPAddress] = []

    /// Nil when the facts do not tell the last transaction before the division.
    package init?(_ plan: MigrationPlan, _ facts: RunFacts) {
        guard let split = facts.split else { return nil }
        self.init(plan, split: split, windowEnd: facts.windowClosedAt)
    }

    package init(_ plan: MigrationPlan, split: Zxid, windowEnd: Int64? = nil) {
        self.split = split
        self.windowEnd = windowEnd
        destinationIDs = Set(plan.destination.map(\.id))
        trees = plan.census.trees
        destination = plan.destination.map { "\($0.address):\($0.clientPort)" }.joined(separator: ",")
        let start = Reading(after: split)
        readings = Dictionary(plan.source.map { ($0.host, start) }) { first, _ in first }
        var names = ClientName.listed(by: plan).mapValues { ClientName.listed($0) }
        for server in plan.servers {
            for address in server.allAddresses { names[address] = .server(server.host) }
        }
        for broker in plan.brokers {
            guard let address = IPAddress(broker.address) else { continue }
            names[address] = .broker(broker.id, broker.host)
        }
        for client in plan.clients.all {
            guard let address = IPAddress(client.address), names[address]?.isKnown != true else { continue }
            names[address] = .client(client.name, client.host)
        }
        for ignored in plan.census.ignored {
            guard case .address(let address) = ignored.client else { continue }
            names[address] = .ignored(reason: ignored.reason)
        }
        self.names = names
    }

    /// What is to be asked next.
    package var questions: [HostName: WritesRequest] {
        let apart = own.isEmpty ? nil : Array(own.keys.sorted().prefix(WritesRequest.mostApart))
        return readings.mapValues {
            WritesRequest(trees: trees, after: $0.after, place: $0.place, apart: apart)
        }
    }

    /// Writes of these sessions are nobody's split; by the name of the command that made them.
    ///
    /// - Returns: whether any is new: everything has to be looked at again then, and nothing is told twice.
    package mutating func leaveOut(_ sessions: [SessionNumber: String]) -> Bool {
        guard sessions.keys.contains(where: { own[$0] == nil }) else { return false }
        own.merge(sessions) { _, new in new }
        let start = Reading(after: split)
        readings = readings.mapValues { _ in start }
        found = [:]
        waiting = []
        return true
    }

    /// Whether some log was not read to its end.
    package var hasMore: Bool { readings.values.contains { $0.silence == nil && $0.hasMore } }

    /// By their transactions.
    package var writes: [WritesReport.Write] {
        found.values.filter { !mayBeUnderWay($0) }.sorted { ($0.zxid, $0.path) < ($1.zxid, $1.path) }
    }

    /// Writes of sessions that were opened at the destination and are seen nowhere on the source, from the window: a seed
    /// had handed them to the source's leader, and was detached before it could tell its client, who knows that they may be lost.
    package var underWay: Int { found.values.count { mayBeUnderWay($0) && absent.contains($0.session) } }

    /// The same, of sessions of which not every server of the source tells that it does not have them: a client may have come there
    /// within the window, and may have been answered.
    package var doubtful: Int { found.values.count { mayBeUnderWay($0) && !absent.contains($0.session) } }

    /// That no server tells where its session is does not prove it: only that all tell all of theirs does.
    private func mayBeUnderWay(_ write: WritesReport.Write) -> Bool {
        guard write.address == nil, let windowEnd, write.at <= windowEnd, let origin = write.session.origin
        else { return false }
        return destinationIDs.contains(origin)
    }

    /// All writes, those that are not kept as well; every server has logged every one.
    package var count: Int { max(found.count, readings.values.map(\.count).max() ?? 0) - underWay - doubtful }

    /// Nodes that the source's ensemble removed itself, most of them of sessions that have moved.
    package var expired: Int { readings.values.map(\.expired).max() ?? 0 }

    /// Writes that `mitosis` itself has made there when it dealt with the old copy.
    package var ownCount: Int { readings.values.map(\.own).max() ?? 0 }

    /// For instance `mitosis retire, mitosis seal`.
    package var ownNames: String {
        Set(own.values).sorted().map { "mitosis \($0)" }.joined(separator: ", ")
    }

    package mutating func take(_ answers: [HostName: WritesAnswer]) {
        for (host, answer) in answers {
            guard var reading = readings[host] else { continue }
            switch answer {
            case .tooOld: reading.silence = "its agent is too old to tell writes; upgrade it"
            case .silent(let reason): reading.silence = reason
            case .told(let report): take(report, &reading)
            }
            readings[host] = reading
        }
    }

    private mutating func take(_ report: WritesReport, _ reading: inout Reading) {
        reading.silence = report.obstacle
        guard report.obstacle == nil else { return }
        reading.hasMore = report.hasMore
        reading.place = report.place ?? reading.place
        reading.after = max(reading.after, report.last ?? reading.after)
        // Agents of earlier versions count them with the others.
        let told = report.writes.count { own[$0.session] != nil }
        reading.own = reading.own.plus(saturating: report.countApart ?? 0).plus(saturating: told)
        reading.count = reading.count.plus(saturating: max(0, report.count - told))
        reading.expired = reading.expired.plus(saturating: report.expired)
        reading.unread = reading.unread.plus(saturating: report.unread)
        reading.gap = reading.gap ?? report.gap
        for write in report.writes where own[write.session] == nil {
            let key = Key(write)
            if let known = found[key] {
                if known.address == nil, write.address != nil { found[key] = write }
            } else if found.count < Self.most {
                found[key] = write
            }
        }
    }

    /// Writes that were not told before, each once: those of which it is known where their session is at once, the others when
    /// it was asked for a second time.
    package mutating func untold() -> [WritesReport.Write] {
        let ready = writes.filter { write in
            let key = Key(write)
            return !told.contains(key) && (write.address != nil || waiting.contains(key))
        }
        told.formUnion(ready.map { Key($0) })
        waiting = Set(found.keys).subtracting(told)
        return ready
    }
}

/// What comes of it.
extension WrongSide {
    /// Why it is not known whether there are more, a sentence each.
    package var problems: [String] {
        readings.sorted { $0.key < $1.key }.compactMap { host, reading in
            if let silence = reading.silence { return "\(host): \(silence)" }
            if let gap = reading.gap { return "\(host): \(gap)" }
            if reading.unread > 0 {
                return "\(host): \(reading.unread) transactions of a form that is not known"
            }
            return reading.hasMore ? "\(host): its log was not read to its end" : nil
        }
    }

    /// Whether there can be no more.
    ///
    /// What was acknowledged is in the logs of a majority, which meets every set of this many servers.
    package var isWhole: Bool { readings.count - problems.count >= readings.count - readings.count / 2 }

    /// Whether it is known that nobody has written.
    package var isClear: Bool { isWhole && count == 0 }

    package func name(_ address: IPAddress) -> ClientName { names[address] ?? .unknown }

    /// Whom a resolver may know.
    package var unnamed: Set<IPAddress> {
        Set(strangers).union(found.values.compactMap(\.address)).filter { name($0) == .unknown }
    }

    package mutating func learn(_ resolved: [IPAddress: String]) {
        names.merge(resolved.mapValues { .resolved($0) }) { known, _ in known }
    }

    /// One write, with who made it as far as that is known.
    package func sentence(_ write: WritesReport.Write) -> String {
        "\(write.path) (\(write.kind.word), \(write.zxid)) by session \(write.session) \(place(write))"
    }

    private func place(_ write: WritesReport.Write) -> String {
        if let address = write.address {
            let name = name(address)
            return name == .unknown ? "at \(address)" : "at \(address), \(name)"
        }
        guard !strangers.isEmpty else { return "(no server tells where it is)" }
        return "(no server tells where it is; connected to the source and not known by the plan: "
            + Census.list(strangers.map { "\($0)\(name($0).inBrackets)" }, most: 10) + ")"
    }

    /// What is not known of writes from the window; nil when there is no such.
    package var doubt: String? {
        guard doubtful > 0 else { return nil }
        return
            "\(doubtful) writes were under way when the division came, and whether they were acknowledged is not known: the source's "
            + "servers do not tell all of their sessions (allow `cons`)"
    }

    package var summary: String {
        let what = "into \(Census.list(trees)) on the source since the division (\(split))"
        guard count > 0 else {
            let own =
                (expired > 0 ? "; its ensemble itself has removed \(expired) nodes there" : "")
                + (underWay > 0
                    ? "; \(underWay) writes were under way when the division came, and were not acknowledged"
                    : "") + (doubt.map { "; \($0)" } ?? "")
                + (ownCount > 0 ? "; \(ownCount) writes are by \(ownNames)" : "")
            guard !isWhole else { return "nobody has written \(what)\(own)" }
            return "whether anybody has written \(what) is not known: "
                + Census.list(problems, most: 10, between: "; ")
        }
        let said = Census.list(writes.map { sentence($0) }, most: 5, between: "; ")
        return "THE TRUTH IS SPLIT: \(count) writes \(what), which the destination does not have: \(said). "
            + "Move whoever writes there to \(destination), and bring over what was written by hand: docs/clients.md"
    }

    /// For the end of the run; none when nobody has written.
    package var findings: [String] { count > 0 ? [summary] : [] }
}

extension WritesReport.Kind {
    package var word: String {
        switch self {
        case .create: "created"
        case .delete: "deleted"
        case .setData: "data set"
        case .setACL: "rights set"
        }
    }
}

/// Looking.
extension WrongSide {
    /// Questions in one look; each reads 64 MiB of a log.
    private static let mostParts = 64

    /// Asks until all logs are read to their ends; a host that does not answer in time is asked at the next look.
    package mutating func look(through fleet: any Fleet, within limit: Duration) async {
        let before = Set(found.keys)
        for _ in 0..<Self.mostParts {
            take(await fleet.writes(questions, within: limit))
            guard hasMore, !Task.isCancelled else { break }
        }
        guard found.contains(where: { !before.contains($0.key) && $0.value.address == nil }) else { return }
        take(clients: await fleet.clients(of: readings.keys.sorted(), within: limit))
    }

    /// Who is connected to the source.
    package mutating func take(clients answers: [HostName: ClientsAnswer]) {
        let reports = answers.values.compactMap { answer -> ClientsReport? in
            switch answer {
            case .told(let report): report
            case .tooOld, .silent: nil
            }
        }
        let addresses = reports.flatMap { ($0.connections ?? []).map(\.address) }
        strangers = Set(addresses).filter { !name($0).isKnown && !ClientSeats.isLoopback($0) }.sorted()
        absent.subtract(reports.flatMap { ($0.sessions ?? []).map(\.id) })
        guard readings.keys.allSatisfy({ answers[$0] != nil }), reports.count == answers.count,
            reports.allSatisfy({ $0.sessions != nil && $0.sessionsAreWhole })
        else { return }
        let seen = Set(reports.flatMap { ($0.sessions ?? []).map(\.id) })
        let unlocated = found.values.filter { $0.address == nil }.map(\.session)
        absent.formUnion(unlocated.filter { !seen.contains($0) })
    }
}
