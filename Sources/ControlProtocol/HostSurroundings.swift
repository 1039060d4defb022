package import FoundationEssentials

/// When the files end by which a program knows others and is known, Unix milliseconds.
package struct CredentialExpiry: Hashable, Sendable, Codable {
    package let certificate: Int64
    /// Of the authorities that it trusts, the one that ends first.
    package let authority: Int64?
    /// Nil when it keeps no revocation list.
    package let revocationList: Int64?

    package init(certificate: Int64, authority: Int64?, revocationList: Int64?) {
        self.certificate = certificate
        self.authority = authority
        self.revocationList = revocationList
    }

    package init(certificate: Date, authority: Date?, revocationList: Date?) {
        let milliseconds = { (date: Date) in Int64(date.timeIntervalSince1970 * 1000) }
        self.init(
            certificate: milliseconds(certificate),
            authority: authority.map(milliseconds),
            revocationList: revocationList.map(milliseconds)
        )
    }
}

/// A program in the agent's network namespace that changes or flushes its rules without being asked by us.
package struct RuleManager: Hashable, Sendable, Codable {
    /// Of the process, or of the unit.
    package let name: String
    /// Nil for a unit that loads rules and has no process of its own.
    package let pid: Int32?

    package init(name: String, pid: Int32?) {
        self.name = name
        self.pid = pid
    }
}
