package import ControlProtocol
package import Topology

/// The one way to this host's packet filter: a desired wall in, what the kernel then holds out.
///
/// Every call is repeatable and needs no record of earlier ones. A change returns only when the kernel,
/// read back, holds exactly what was asked for.
package protocol Firewall: Sendable {
    /// What the kernel holds of ours, in every backend of the host. Changes nothing.
    ///
    /// The configured backend is asked every time. Residue in another one is as of now or, in iptables-legacy
    /// (and where the kernel does not number its rule sets), as of at most five seconds ago.
    func installed() async throws(FirewallError) -> InstalledRules
    /// Replaces whatever is there of ours by this wall, without a moment in which nothing is there.
    func install(_ wall: Wall) async throws(FirewallError) -> InstalledRules
    /// Removes everything of ours from every backend of the host; nothing to remove is success.
    func remove() async throws(FirewallError) -> InstalledRules
    /// The exact text that would be handed to the backend. Changes nothing.
    func preview(_ wall: Wall) throws(FirewallError) -> String
}

package enum Firewalls {
    /// The firewall of the host this process runs on.
    ///
    /// - Parameter protectedPorts: ports that no rule may ever match, the agent's own and SSH's.
    package static func make(backend: FirewallBackend, protectedPorts: [Port]) -> any Firewall {
        HostFirewall(backend: backend, protectedPorts: protectedPorts)
    }
}
