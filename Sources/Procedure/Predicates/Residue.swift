import ControlProtocol
import Topology

extension FleetView {
    /// Says that a host's kernel has rules of ours (trap 16), or cannot be asked, or that its disk orders some; nil
    /// when it is known to have none.
    func leftRules(on host: HostName) -> String? {
        if let order = status(host)?.order { return "\(host) has \(order)" }
        guard let rules = status(host)?.rules, rules.count > 0 else { return nil }
        return "\(host) has \(rules.count) rules of ours"
    }

    /// Says what the log of a host's server lacks (trap 9); nil when no hole was seen.
    func hole(on host: HostName) -> String? {
        guard let missing = zookeeper(host)?.data.missing, !missing.isEmpty else { return nil }
        return "\(host): its log lacks \(missing.map(\.description).joined(separator: ", "))"
    }
}
