package import ControlProtocol
import Glibc
import Synchronization
import SystemCalls

/// Finds programs that change or flush packet filter rules on their own (trap 17): daemons in the agent's network
/// namespace, and units that load a rule set.
///
/// A look through all processes takes a few milliseconds, so that its answer is kept for a moment.
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
    private static let patience = Duration.seconds(1)

    private struct Look {
        let found: [RuleManager]
        let at: ContinuousClock.Instant
    }

    private let last = Mutex<Look?>(nil)

    package init() {}

    /// As of at most a second ago.
    package func found() async -> [RuleManager] {
        await BlockingThread.run {
            self.last.withLock { last in
                if let last, ContinuousClock.now - last.at < Self.patience { return last.found }
                let found = Self.processes() + Self.units()
                last = Look(found: found, at: .now)
                return found
            }
        }
    }

    private static func processes() -> [RuleManager] {
        guard let own = NetworkNamespace.of("self") else { return [] }
        var found: [RuleManager] = []
        for pid in ProcessList.pids() {
            guard let command = KernelText.read("/proc/\(pid)/comm")?.trimmed, daemons.contains(command),
                NetworkNamespace.of("\(pid)") == own
            else { continue }
            found.append(RuleManager(name: command, pid: pid))
        }
        return found.sorted { ($0.name, $0.pid ?? 0) < ($1.name, $1.pid ?? 0) }
    }

    /// systemd keeps a link for every unit that is active; its units act on the network of process 1.
    private static func units() -> [RuleManager] {
        guard let own = NetworkNamespace.of("self"), NetworkNamespace.of("1") == own else { return [] }
        return loaders.filter { unit in
            var found = stat()
            return lstat("/run/systemd/units/invocation:\(unit)", &found) == 0
        }
        .map { RuleManager(name: $0, pid: nil) }
    }
}
