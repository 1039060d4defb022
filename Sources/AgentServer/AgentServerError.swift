package import Settings

/// What stops an agent from starting, or from keeping its records.
package enum AgentServerError: Error, Hashable {
    /// The configuration says something that the agent cannot take.
    case configuration(problem: YAMLError)
    /// Somebody else could have changed what the agent is about to believe.
    case notOurs(reason: String)
    /// An allowed file could not be replaced in its directory.
    case notWritable(directory: String, reason: String)
    case tls(reason: String)
    case stateDirectory(path: String, reason: String)
    case stateLocked(path: String)
    case leaseUnreadable(path: String, reason: String)
    case recordDamaged(path: String, line: Int, reason: String)
    case storage(path: String, operation: String, reason: String)
    case listen(address: String, port: Int, reason: String)
}

extension AgentServerError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .configuration(let problem): problem.description
        case .notOurs(let reason): reason
        case .notWritable(let directory, let reason):
            "\(directory) holds an allowed file and cannot be written: \(reason); let the agent write there "
                + "(with systemd: ReadWritePaths=), or take the file off 'files'"
        case .tls(let reason): "cannot use the certificate: \(reason)"
        case .stateDirectory(let path, let reason):
            "state directory \(path): \(reason); create it, owned by the agent's user, or change 'state'"
        case .stateLocked(let path):
            "another running agent holds \(path); stop it first, or give this one a 'state' directory of its own"
        case .leaseUnreadable(let path, let reason):
            "\(path): \(reason); without it the agent cannot tell an old coordinator from a new one. Make sure that "
                + "no run is in progress, then `mitosis-agent lease reset --epoch N` on this host, with N as high as any "
                + "other agent's highest epoch (`mitosis status --json`)"
        case .recordDamaged(let path, let line, let reason):
            "\(path):\(line): \(reason); what became of this command is not known for certain, so it was not carried out: "
                + "look at the host, then start `mitosis` again, which takes a higher epoch"
        case .storage(let path, let operation, let reason):
            "cannot \(operation) \(path): \(reason); free space or mend the file system"
        case .listen(let address, let port, let reason):
            "cannot listen on \(address) port \(port): \(reason); stop what holds it, or change 'listen'"
        }
    }
}
