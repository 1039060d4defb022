package import ControlProtocol
package import FoundationEssentials
package import HostControl
package import Topology

/// What an agent can see and do on its host.
///
/// Tests have a double; `LocalHost` is the real one.
package protocol HostActions: Sendable {
    /// Why the command would change nothing, asked before it is recorded; nil when it may go on.
    func objection(to command: Command) async -> Refusal?

    /// Brings about the command's end and says what came of it. Repeating it does no harm.
    func perform(
        _ command: Command,
        run: RunID,
        progress: @escaping @Sendable (String) -> Void
    ) async -> CommandOutcome

    func installedRules() async throws(HostActionError) -> InstalledRules

    /// Opens ports that an agent before this one closed and did not open again; nil when there are none.
    func openPorts() async throws(HostActionError) -> InstalledRules?

    /// What this host must hold to whatever reboots; nil when there is nothing.
    func order() async -> OrderState?

    /// Puts the wall of the host's order up where it does not stand, and forgets what an agent before this one did not come to
    /// do; for an agent that starts, after `openPorts`.
    ///
    /// Nil when there was nothing to put up.
    func reinstateOrder() async throws(HostActionError) -> OrderState?

    /// Sees to what is to come of the host's order by itself; ends when its task is cancelled.
    ///
    /// - Parameter isBusy: whether a command acts, beside which nothing is undone.
    func watchOrder(unless isBusy: @escaping @Sendable () -> Bool) async

    /// A coordinator asked for this run's lease, renewed it, or commanded under it.
    func coordinatorWasHeard(of run: RunID)

    /// Keeps the rules as this agent installed them last, until they are removed, and tells of each time that this took
    /// something; ends when its task is cancelled.
    func watchRules(_ report: @escaping @Sendable (RuleRestoration) -> Void) async

    /// Watches over no rules any more that were installed until now; returns when none of them will be put back.
    func forgetRules() async

    /// Nil on a host without ZooKeeper.
    func zookeeper() async -> ZooKeeperStatus?
    /// Returns when the host's server serves or does not run, after a second at the latest.
    func untilServing() async

    /// Every service that the agent's configuration allows, but ZooKeeper's.
    func otherServices() async -> [NamedService]

    /// Every file that the agent's configuration allows and that can be looked at.
    func allowedFiles() async -> [FileState]

    /// Programs that change the host's rules on their own.
    func ruleManagers() async -> [RuleManager]

    /// Programs that bring the host's files and services back to what is written elsewhere.
    func configurationManagers() async -> [RuleManager]

    /// Whether the agent sees, and can write to, every listed file and the data directories of its ZooKeeper.
    func reach(of zookeeper: ZooKeeperStatus?) async -> [PathReach]

    func read(file path: String) async throws(HostActionError) -> FileContent

    /// A file as it was before this run first wrote to it; refused when the run never did.
    func original(of path: String, run: RunID) async throws(HostActionError) -> FileContent

    /// Hands the wall to the backend without putting it up, so that what would fail then fails here.
    func preview(_ wall: Wall) async throws(HostActionError) -> RulesPreview

    func probe(_ targets: [ProbeTarget]) async -> [ProbeResult]

    /// Rules of somebody's hand against these addresses, in the kernel and in files that bring them back.
    func handMade(_ request: HandMadeRequest) async -> HandMadeReport

    /// What the parser of the host's own ZooKeeper makes of configuration files.
    func parse(_ contents: [Data]) async -> ParserReply

    /// Who is connected to the host's ZooKeeper.
    func clients(_ request: ClientsRequest) async -> ClientsReport

    /// What the host's ZooKeeper has logged of writes into some trees.
    func writes(_ request: WritesRequest) async -> WritesReport

    /// Of every zxid asked for, by the files of this host's ZooKeeper.
    func presence(of zxids: [Zxid]) async throws(HostActionError) -> [Zxid: Presence]
}

package enum HostActionError: Error, Hashable, CustomStringConvertible {
    case refused(refusal: Refusal)
    case failed(message: String)

    package var description: String {
        switch self {
        case .refused(let refusal): refusal.description
        case .failed(let message): message
        }
    }
}
