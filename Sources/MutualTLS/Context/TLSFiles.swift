import SystemCalls

/// Where one side's certificate and what it trusts are kept, all PEM.
package struct TLSFiles: Hashable, Sendable {
    /// This side's certificate, then any intermediate ones.
    package let certificate: String
    package let key: String
    /// The authority, or several while one replaces another.
    package let authority: String
    /// Revocation lists.
    ///
    /// When given, a peer that no list covers is refused; a list that has ended covers still.
    package let revoked: String?

    package init(certificate: String, key: String, authority: String, revoked: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
        self.revoked = revoked
    }

    /// Change whenever this side's certificate or key is replaced or written to.
    func ownStamps() -> [FileStamp?] { [certificate, key].map { FileStamp(of: $0) } }

    /// Change whenever the authority or the lists are.
    func trustStamps() -> [FileStamp?] {
        ([authority] + (revoked.map { [$0] } ?? [])).map { FileStamp(of: $0) }
    }
}
