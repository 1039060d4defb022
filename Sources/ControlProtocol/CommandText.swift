/// What texts of commands have in common, those for people and the agent's audit trail.

extension Collection where Element: CustomStringConvertible {
    package func listed(_ separator: String = ", ") -> String {
        map(\.description).joined(separator: separator)
    }
}

extension ContentDigest {
    /// Of a file that may not exist.
    package static func text(_ digest: String?) -> String { digest ?? "(absent)" }
}

extension FileWrite {
    /// What the file has afterwards, as `expected` names what it has before.
    package var digest: String { ContentDigest.sha256(content) }
}

extension ServiceRequest {
    /// What is done and to which service, for instance `restart zookeeper`.
    package var text: String { "\(action.rawValue) \(service)" }
}
