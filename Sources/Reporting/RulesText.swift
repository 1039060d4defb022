package import ControlProtocol
package import Fleet

/// The rules of ours that a host's kernel holds, for a person.
package enum RulesText {
    /// Empty for a host that was not asked.
    package static func text(_ host: HostName, _ answer: Observation?) -> String {
        switch answer {
        case .status(let status):
            "\(host): \(status.rules.count) rules (\(status.rules.backend.rawValue))\n"
                + (status.rules.listing.isEmpty ? "" : status.rules.listing + "\n")
        case .silent(let reason): "\(host): no answer: \(reason)\n"
        case nil: ""
        }
    }
}
