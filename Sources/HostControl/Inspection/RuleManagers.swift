package import ControlProtocol
import Glibc
import SystemCalls

/// Finds programs that change or flush packet filter rules on their own (trap 17): daemons in the agent's network
/// namespace, and units that load a rule set.
package final class RuleManagers: Sendable {
    /// By the name of their process, of which the kernel keeps 15 characters.
    private static let daemons: Set<String> = [
        "firewalld", "ufw", "dockerd", "kube-proxy", "fail2ban-server", "libvirtd", "shorewall", "shorewall6",
    ]
    /// Units that load all rules anew when they are reloaded, and flush them when they are stopped.
    private static let loaders = [
        "nftables.service", "iptables.service", "ip6tables.service", "netfilter-persistent.service",
        "ufw.service", "shorewall.service",
    ]
    private let programs = RecentPrograms(within: .seconds(1)) {
        ProcessList.programs { _, name in RuleManagers.daemons.contains(name) ? name : nil }
            + RuleManagers.units()
    }

    package init() {}

    /// As of at most a second ago.
    package func found() async -> [RuleManager] { await programs.found() }

    /// systemd keeps a link for every unit that is active; its units act on the network of process 1.
    private static func units() -> [RuleManager] {
        guard NetworkNamespace.isHosts else { return [] }
        return loaders.filter { unit in
            var found = stat()
            return lstat("/run/systemd/units/invocation:\(unit)", &found) == 0
        }
        .map { RuleManager(name: $0, pid: nil) }
    }
}
