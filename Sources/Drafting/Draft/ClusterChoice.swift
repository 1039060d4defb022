import ControlProtocol
import Settings
import Topology

/// Which Kafka cluster moves.
extension DraftMaking {
    mutating func kafka(
        _ brokers: [SeenBroker],
        of source: SeenEnsemble,
        among ensembles: [SeenEnsemble]
    ) -> Draft.Kafka? {
        let own = brokers.filter { $0.uses(source) }
        for broker in brokers where !broker.uses(source) {
            guard ensembles.contains(where: broker.uses) else {
                ask(
                    "which ensemble does the broker of \(broker.host) use? \(broker.connect) is no server that was seen: name "
                        + "the servers in its file as their server lines do, add their hosts, or leave it out."
                )
                continue
            }
            remarks.append("\(broker.host): its broker uses \(broker.connect), not the source; left out")
        }
        let clusters = Dictionary(grouping: own, by: \.connect.chroot).sorted { $0.key < $1.key }
        if let wish = wishes.chroot {
            if let chosen = clusters.first(where: { $0.key == wish }) {
                return cluster(chosen.key, chosen.value)
            }
            ask(
                "which Kafka cluster moves? None has the chroot \(Self.shown(wish)) of --kafka; \(Self.listed(clusters))."
            )
            return nil
        }
        switch clusters.count {
        case 1: return cluster(clusters[0].key, clusters[0].value)
        case 0:
            ask(
                "what moves? No broker of the inventory uses the source: name the paths under 'trees', or add the brokers' hosts."
            )
        case _:
            ask(
                "which Kafka cluster moves? \(Self.listed(clusters)). `mitosis init` again with --kafka and its chroot, or '/' for "
                    + "none."
            )
        }
        return nil
    }

    private static func shown(_ chroot: String) -> String { chroot.isEmpty ? "/" : chroot }

    private static func listed(_ clusters: [(key: String, value: [SeenBroker])]) -> String {
        guard !clusters.isEmpty else { return "no broker uses the source" }
        return "the source has "
            + clusters.map { "\(shown($0.key)) (\($0.value.map(\.host).listed()))" }.joined(
                separator: " and "
            )
    }

    private mutating func cluster(_ chroot: String, _ brokers: [SeenBroker]) -> Draft.Kafka? {
        guard let first = brokers.first,
            chroot.isEmpty || canStand([("the chroot", chroot)], on: first.host, first.configPath)
        else { return nil }
        var known: [Draft.Broker] = []
        for broker in brokers {
            guard let one = drafted(broker) else { continue }
            known.append(one)
        }
        known.sort { ($0.id, $0.known.host) < ($1.id, $1.known.host) }
        return known.isEmpty ? nil : Draft.Kafka(chroot: chroot, brokers: known)
    }

    private mutating func drafted(_ broker: SeenBroker) -> Draft.Broker? {
        let host = broker.host
        guard !broker.isWithServer else {
            ask(
                "how does the broker of \(host) move? A ZooKeeper is on the same host, which no plan can have; move one of the two first."
            )
            return nil
        }
        guard let id = broker.id else {
            ask(
                "which broker.id has \(host)? Neither \(broker.configPath) nor a meta.properties that its agent may read says."
            )
            return nil
        }
        guard let service = broker.service else {
            ask(
                "which service is the broker of \(host)? Its agent knows several, or none; say it by 'service' in the inventory."
            )
            return nil
        }
        guard
            canStand(
                [("the service", service), ("the path of its file", broker.configPath)],
                on: host,
                broker.configPath
            )
        else { return nil }
        return Draft.Broker(id: id, known: broker.known, service: service, config: broker.configPath)
    }
}
