package import ControlProtocol
package import Settings
import Topology

/// What one look at a host gave for the cleaning.
package enum RulesLook: Hashable, Sendable {
    case seen(RulesFacts)
    case silent(reason: String)
}

/// Whether a host's rules may go: a function of what was seen of it and of whom its rules cut off.
///
/// Without the rules two halves of a divided ensemble could join again: where anything says that they might, or cannot be
/// known, the rules stay.
package struct CleaningGrounds: Sendable {
    package enum Verdict: Hashable, Sendable {
        case allowed
        case refused(reason: String)
        /// These hosts have to be seen first.
        case needs([HostName])
        /// One of those that have to be seen does not answer.
        case hidden(reason: String)
    }

    /// A plan tells the sides; what may be there of another run its journal tells.
    private struct Sides: Sendable {
        /// The view of its own side, by host.
        let views: [HostName: Set<Member>]
        let source: [HostName]
        let destination: [HostName]

        func others(than host: HostName) -> [HostName] { source.contains(host) ? destination : source }
    }

    private let sides: Sides?
    private let addresses: [HostName: Set<IPAddress>]
    private let owners: [IPAddress: HostName]
    private let names: [String: HostName]

    package init(_ file: FleetFile) {
        sides = file.plan.map { plan in
            let source = plan.source.map { ($0.host, Set(plan.sourceMembers)) }
            let destination = plan.destination.map { ($0.host, Set(plan.destinationMembers)) }
            return Sides(
                views: Dictionary(source + destination) { first, _ in first },
                source: plan.source.map(\.host),
                destination: plan.destination.map(\.host)
            )
        }
        let hosts = file.inventory.hosts
        let known = hosts.map { host in
            let own = [host.address, host.agent.address].compactMap { IPAddress($0) }
            return (host.host, Set(host.allAddresses + own))
        }
        addresses = Dictionary(known) { first, _ in first }
        owners = Dictionary(known.flatMap { host, all in all.map { ($0, host) } }) { first, _ in first }
        let texts = hosts.flatMap { [($0.address, $0.host), ($0.host.description, $0.host)] }
        names = Dictionary(texts) { first, _ in first }
    }

    /// - Parameter look: what is known of another host, seen not long ago; nil when it has to be looked at.
    package func verdict(
        on host: HostName,
        _ facts: RulesFacts,
        look: (HostName) -> RulesLook?
    ) -> Verdict {
        if let reason = facts.leaseObjection(judgingLapsed: sides == nil) { return .refused(reason: reason) }
        if let sides { return verdict(on: host, facts, sides, look) }
        let own = addresses[host, default: []]
        let walled = facts.walled.subtracting(own).filter { address in
            !AddressBlock.documentation.contains { $0.contains(address) } || owners[address] != nil
        }
        if let reason = facts.viewObjection(naming: walled, resolve: resolve) {
            return .refused(reason: reason)
        }
        var peers: Set<HostName> = []
        for address in walled.sorted() {
            guard let peer = owners[address] else {
                return .refused(
                    reason:
                        "its rules cut off \(address), which is no host of this inventory, so that what runs there is not "
                        + "known; add that host, or clean with the plan of the run that divided them"
                )
            }
            peers.insert(peer)
        }
        return verdict(on: peers.sorted(), look) { _, peer in
            peer.viewObjection(naming: own, resolve: resolve)
        }
    }

    private func verdict(
        on host: HostName,
        _ facts: RulesFacts,
        _ sides: Sides,
        _ look: (HostName) -> RulesLook?
    ) -> Verdict {
        guard sides.views[host] != nil else { return .allowed }
        if let reason = Self.objection(facts, sides.views[host]) { return .refused(reason: reason) }
        return verdict(on: sides.others(than: host), look) { peer, facts in
            Self.objection(facts, sides.views[peer])
        }
    }

    private func verdict(
        on peers: [HostName],
        _ look: (HostName) -> RulesLook?,
        _ objection: (HostName, RulesFacts) -> String?
    ) -> Verdict {
        var unseen: [HostName] = []
        var silence: String?
        for peer in peers {
            switch look(peer) {
            case .seen(let facts):
                guard let reason = objection(peer, facts) else { continue }
                return .refused(reason: "it is walled off from \(peer), where \(reason)")
            case .silent(let reason):
                silence =
                    silence ?? "it is walled off from \(peer), and what runs there is not known: \(reason)"
            case nil: unseen.append(peer)
            }
        }
        // Silence first: it is believed only for a moment, and of two that never answer one is always to be asked anew.
        if let silence { return .hidden(reason: silence) }
        return unseen.isEmpty ? .allowed : .needs(unseen)
    }

    private static func objection(_ facts: RulesFacts, _ own: Set<Member>?) -> String? {
        guard let server = facts.server else {
            return "its agent knows of no ZooKeeper, which the plan has there"
        }
        guard server.fileView.map(Set.init) == own,
            server.runningView.map(Set.init) == own || server.isStopped
        else { return "its ZooKeeper does not run, or will not run, its own side's view" }
        return nil
    }

    /// An address or name of a configuration file.
    private func resolve(_ text: String) -> Set<IPAddress>? {
        if let address = IPAddress(text) { return [address] }
        guard let host = names[text], let found = addresses[host], !found.isEmpty else { return nil }
        return found
    }
}

extension RulesFacts.Server {
    fileprivate var isStopped: Bool {
        switch state {
        case .stopped: true
        case .running, .changing, .failed: false
        }
    }
}
