package import FoundationEssentials

/// Whether an open connection still stands on what its handshake was judged by.
package struct ConnectionStanding: Hashable, Sendable {
    /// When the peer's certificate ends.
    package let notAfter: Date
    /// The handshake was judged by the certificate, authority and revocation list that are in force.
    package let isJudgedByCurrentFiles: Bool

    package init(notAfter: Date, isJudgedByCurrentFiles: Bool) {
        self.notAfter = notAfter
        self.isJudgedByCurrentFiles = isJudgedByCurrentFiles
    }

    /// Why the connection takes no other request; nil while it does.
    package func objection(at now: Date) -> String? {
        if now > notAfter { return "the peer's certificate has expired since the handshake" }
        if !isJudgedByCurrentFiles { return "certificate files were replaced since the handshake" }
        return nil
    }
}
