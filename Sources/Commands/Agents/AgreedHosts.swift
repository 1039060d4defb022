import ControlProtocol

/// On which hosts an agent.yaml may be written: those that were looked at, and whose difference was shown.
///
/// A host that is dead or refuses is left out and named; it keeps no other from what it is to have.
struct AgreedHosts {
    /// By host: the digest of the agent.yaml that stood there, empty for none.
    private(set) var digests: [HostName: String] = [:]
    private(set) var leftOut: [HostName] = []

    mutating func agree(_ host: HostName, over digest: String?) { digests[host] = digest ?? "" }

    mutating func leaveOut(_ host: HostName) { leftOut.append(host) }

    var hosts: Set<HostName> { Set(digests.keys) }

    /// With the space before the answer.
    var question: String {
        let what = digests.count == 1 ? "Write this, on 1 host" : "Write these, on \(digests.count) hosts"
        return leftOut.isEmpty
            ? "\(what)? [y/N] " : "\(what), without \(leftOut.listed())? [y/N] "
    }

    /// Nil when nobody was left out.
    var omission: String? {
        leftOut.isEmpty
            ? nil
            : "nothing was written on \(leftOut.listed()); once they answer, repeat the command for them"
    }
}
