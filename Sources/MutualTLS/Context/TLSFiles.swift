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
    /// When given, a peer that no valid list covers is refused.
    package let revoked: String?

    package init(certificate: String, key: String, authority: String, revoked: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
        self.revoked = revoked
    }

    var paths: [String] { [certificate, key, authority] + (revoked.map { [$0] } ?? []) }

    /// Changes whenever one of the files is replaced or written to.
    func stamps() -> [FileStamp?] { paths.map { FileStamp(of: $0) } }
}
