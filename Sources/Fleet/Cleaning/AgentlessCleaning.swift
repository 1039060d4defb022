package import ControlProtocol

/// Another way to a host whose agent does not answer.
package protocol AgentlessCleaning: Sendable {
    /// What is there now.
    func look(at host: HostName) async -> RulesLook

    /// Removes every rule of ours and reads back whether they are gone.
    ///
    /// - Parameters:
    ///   - facts: what was seen of the host just now.
    ///   - force: also while somebody holds the host's lease.
    func clean(_ host: HostName, _ facts: RulesFacts, force: Bool) async -> CleaningBoard.Outcome
}
