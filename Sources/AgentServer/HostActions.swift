package import ControlProtocol

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

    /// Nil on a host without ZooKeeper.
    func zookeeper() async -> ZooKeeperStatus?

    /// Every service that the agent's configuration allows, but ZooKeeper's.
    func otherServices() async -> [NamedService]

    /// Every file that the agent's configuration allows and that can be looked at.
    func allowedFiles() async -> [FileState]

    func read(file path: String) async throws(HostActionError) -> FileContent

    func preview(_ wall: Wall) async throws(HostActionError) -> RulesPreview

    func probe(_ targets: [ProbeTarget]) async -> [ProbeResult]
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
