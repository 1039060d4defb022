import MutualTLS

/// What a certificate of one kind may do and how long it lives.
///
/// `certs/profiles/*.cnf` says the same to openssl(1), for organisations that issue with their own authority.
struct CertificateProfile: Hashable, Sendable {
    let days: Int
    let basicConstraints: String
    let keyUsage: String
    /// Nil for an authority.
    let extendedKeyUsage: String?

    /// Ten years: replacing an authority means touching every host.
    static let authority = CertificateProfile(
        days: 3650,
        basicConstraints: "critical,CA:TRUE,pathlen:0",
        keyUsage: "critical,keyCertSign,cRLSign",
        extendedKeyUsage: nil
    )

    /// Answers only: an agent's certificate cannot open a connection to another agent.
    static let agent = CertificateProfile(
        days: 730,
        basicConstraints: "critical,CA:FALSE",
        keyUsage: "critical,digitalSignature",
        extendedKeyUsage: "serverAuth"
    )

    static let coordinator = CertificateProfile(
        days: 365,
        basicConstraints: "critical,CA:FALSE",
        keyUsage: "critical,digitalSignature",
        extendedKeyUsage: "clientAuth"
    )

    static let viewer = CertificateProfile(
        days: 365,
        basicConstraints: "critical,CA:FALSE",
        keyUsage: "critical,digitalSignature",
        extendedKeyUsage: "clientAuth"
    )

    /// The same with another lifetime.
    func lasting(days: Int) -> CertificateProfile {
        CertificateProfile(
            days: days,
            basicConstraints: basicConstraints,
            keyUsage: keyUsage,
            extendedKeyUsage: extendedKeyUsage
        )
    }

    static func of(_ kind: PeerIdentity.Kind) -> CertificateProfile {
        switch kind {
        case .agent: agent
        case .coordinator: coordinator
        case .viewer: viewer
        }
    }
}
