package import ControlProtocol
package import Logging
import Logs
package import Topology

/// The one way to this host's packet filter: a desired wall in, what the kernel then holds out.
///
/// Every call is repeatable and needs no record of earlier ones. A change returns only when the kernel,
/// read back, holds exactly what was asked for.
package protocol Firewall: Sendable {
    /// What the kernel holds of ours, in every backend of the host. Changes nothing.
    ///
    /// As of now: the kernel is asked every time, or says that nothing has changed since. In iptables-legacy residue that took the
    /// place of as many rules of the same length may show five seconds later.
    func installed() async throws(FirewallError) -> InstalledRules
    /// Replaces whatever is there of ours by this wall, without a moment in which nothing is there.
    func install(_ wall: Wall) async throws(FirewallError) -> InstalledRules
    /// Replaces whatever is there of ours by these closed ports and, if given, the wall; it takes nothing away first
    /// that is wanted afterwards.
    ///
    /// From then on nothing gets in to the ports or out of them but this host's own connections from the exception, and
    /// their connections are ended: both ends are told (on a kernel that ends no connections, a silent end is not). `install` opens the ports again and leaves the wall, `remove` opens them too.
    func close(_ ports: ClosedPorts, behind wall: Wall?) async throws(FirewallError) -> InstalledRules
    /// Whether the closed ports that `close` has answered with were closed all the time since; false also when somebody took
    /// them away and this firewall put them back.
    ///
    /// What the kernel does not tell by its generation (iptables-legacy, or changes beside ours) is judged by how the
    /// rules are now.
    func stillCloses(_ rules: InstalledRules) async throws(FirewallError) -> Bool
    /// For an agent that starts: opens ports that one before it closed, removes a wall that one before it put up for a trial,
    /// and leaves everything else of ours as it is.
    ///
    /// Nil when there is nothing of this.
    func openPorts() async throws(FirewallError) -> InstalledRules?
    /// Keeps what was installed last until it is removed: when the kernel no longer holds exactly that, it is installed
    /// again, within a fraction of a second (with iptables-legacy, which tells nobody of changes, a second or two).
    ///
    /// Only what this firewall itself installed. For one caller; ends when its task is cancelled.
    ///
    /// - Parameter isGivenUp: whether the host has gone back by itself meanwhile, as another program of ours may have seen to: then
    ///   nothing is put back.
    func watch(
        unless isGivenUp: @escaping @Sendable () -> Bool,
        _ report: @escaping @Sendable (RuleRestoration) -> Void
    ) async
    /// Leaves the rules as they are and watches over them no more; returns when none of them will be put back.
    func forget() async
    /// Ends the established connections that this wall cuts where it stands, at their other end; changes no rule here.
    func sever(_ wall: Wall) async throws(FirewallError) -> InstalledRules
    /// Puts up a wall that cuts off nobody, and removes it; refused where rules of ours stand.
    ///
    /// When it throws, rules of the trial may be left; an agent that starts removes them (`openPorts`).
    func pilot(_ wall: Wall) async throws(FirewallError) -> PilotReport
    /// Removes everything of ours from every backend of the host; nothing to remove is success.
    func remove() async throws(FirewallError) -> InstalledRules
    /// The exact text that would be handed to the backend. Changes nothing.
    func preview(_ wall: Wall) throws(FirewallError) -> String
}

package enum Firewalls {
    /// The firewall of the host this process runs on.
    ///
    /// - Parameter protectedPorts: ports of this host that no rule may ever match, the agent's own and SSH's.
    package static func make(
        backend: FirewallBackend,
        protectedPorts: [Port],
        log: Logger = .silent
    ) -> any Firewall {
        HostFirewall(backend: backend, protectedPorts: protectedPorts, log: log)
    }
}
