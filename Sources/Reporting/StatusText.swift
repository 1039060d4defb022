package import ControlProtocol
package import Fleet
import FoundationEssentials
import Printable
import Procedure
import Tables
import Topology

/// What agents observe now, for a person: a header and one line a host.
package struct StatusText: Sendable {
    private static let header = [
        "host", "service", "role", "zxid", "conns", "nodes", "view", "rules", "lease",
    ]
    /// Fixed, so that lines of two looks stand below one another.
    private static let table = Table(
        [.fixed(13), .fixed(11), .fixed(9), .fixed(13), .fixed(6), .fixed(7), .fixed(13), .fixed(5)],
        gap: 1
    )

    private let hosts: [HostName]
    private let answers: [HostName: Observation]

    package init(_ hosts: [HostName], _ answers: [HostName: Observation]) {
        self.hosts = hosts
        self.answers = answers
    }

    package var text: String {
        let doubts = EpochPoll(answers.filter { hosts.contains($0.key) }).outliers.map { "\($0.host)  \($0)" }
        return ([Self.line(Self.header)] + hosts.map(line) + hosts.compactMap(damage) + doubts + holders)
            .map { $0 + "\n" }.joined()
    }

    /// Who holds the leases, and what was told of where that run is, once for all hosts that say the same.
    private var holders: [String] {
        var said: [String: [HostName]] = [:]
        for host in hosts {
            guard case .status(let status) = answers[host],
                let holder = status.lease.sentence(now: status.clock)
            else { continue }
            let place = status.lease.place.map { ": \($0.stage), \($0.title)" } ?? ""
            said[PrintableText(holder + place).description, default: []].append(host)
        }
        return said.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value.listed()))" }
    }

    /// Of the agent's own records.
    private func damage(_ host: HostName) -> String? {
        guard case .status(let status) = answers[host], let problem = status.records?.problem else {
            return nil
        }
        return "\(host)  \(problem)"
    }

    /// A space follows the last cell, as scripts that cut these lines have always found it.
    private static func line(_ cells: [String]) -> String { table.line(cells + [""]) }

    private func line(_ host: HostName) -> String {
        switch answers[host] {
        case .status(let status):
            ([Self.line(Self.cells(status, of: host))] + Self.problems(status.credentials, of: host)
                + (status.order.map { ["\(host)  \(PrintableText($0.description))"] } ?? []))
                .joined(separator: "\n")
        case .silent(let reason): "\(host)  no answer: \(PrintableText(reason))"
        case nil: "\(host)  no answer"
        }
    }

    /// Files that were replaced and are not used.
    private static func problems(_ credentials: CredentialExpiry?, of host: HostName) -> [String] {
        (credentials?.failures ?? []).prefix(8).map { "\(host)  not in use: \(PrintableText($0.reason))" }
    }

    private static func cells(_ status: HostStatus, of host: HostName) -> [String] {
        let ours = ["\(status.rules.count)", status.lease.current?.runID.description ?? "-"]
        guard let zookeeper = status.zookeeper else {
            let services = status.services.map { "\($0.name) \(word($0.state))" }
            let named = services.isEmpty ? "none" : services.joined(separator: ", ")
            return [host.description, named, "", "", "", "", ""] + ours
        }
        let role =
            switch zookeeper.serving {
            case .yes(let stats): stats.role.rawValue
            case .looking: "looking"
            case .unreachable: "-"
            }
        let view = zookeeper.runningView.map { view in
            view.map(\.id).sorted().map(\.description).joined(separator: ",")
        }
        return [
            host.description, word(zookeeper.state), role,
            (zookeeper.stats?.zxid ?? zookeeper.data.lastZxid)?.description ?? "-",
            zookeeper.stats.map { "\($0.connections)" } ?? "-",
            zookeeper.stats.map { "\($0.nodeCount)" } ?? "-",
            view ?? "-",
        ] + ours
    }

    private static func word(_ state: ServiceState) -> String {
        switch state {
        case .running(let pid): "pid \(pid)"
        case .changing: "changing"
        case .stopped: "stopped"
        case .failed: "failed"
        }
    }
}

extension LeaseState {
    /// Who holds it, since when and until when; nil when nobody does.
    ///
    /// - Parameter now: by the host's clock, Unix milliseconds.
    package func sentence(now: Int64) -> String? {
        guard let current, let expiresAt, expiresAt > now else { return nil }
        let since = since.map { " since \(Self.time($0))" } ?? ""
        return
            "run \(current.runID) of coordinator \(holder ?? "?") holds the lease\(since), until \(Self.time(expiresAt)) "
            + "unless renewed"
    }

    private static func time(_ milliseconds: Int64) -> String {
        Date(timeIntervalSince1970: Double(milliseconds) / 1000).ISO8601Format()
    }
}
