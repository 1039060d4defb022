import Printable

/// Whom a connection accepts, and with it which end of it this side is.
package enum ExpectedPeer: Hashable, Sendable {
    /// This side serves: every identity of the trust domain with a client certificate.
    ///
    /// What it may do is judged above.
    case anyClient
    /// This side calls: the server certificate of this one identity.
    case server(PeerIdentity)
}

/// Which peer one connection accepts.
///
/// There is no policy that accepts an unknown one.
struct PeerPolicy: Hashable, Sendable {
    let trustDomain: TrustDomain
    let expected: ExpectedPeer

    /// Nil when the certificate, whose chain OpenSSL has already verified, names an acceptable peer.
    func refusal(of facts: CertificateFacts) -> CertificateRefusal? {
        switch judge(facts) {
        case .success: nil
        case .failure(let refusal): refusal
        }
    }

    func judge(_ facts: CertificateFacts) -> Result<PeerIdentity, CertificateRefusal> {
        guard facts.uris.count == 1, let uri = facts.uris.first else {
            return .failure(.notOneURI(count: facts.uris.count))
        }
        guard let claim = facts.claim else { return .failure(.noIdentity(uri: uri.printable)) }
        guard claim.domain == trustDomain else {
            return .failure(.foreignTrustDomain(presented: uri.printable, expected: trustDomain))
        }
        switch expected {
        case .anyClient:
            guard facts.callsTLS else { return .failure(.notForClients(presented: "\(claim.identity)")) }
        case .server(let expected):
            guard facts.servesTLS else { return .failure(.notForServers(presented: "\(claim.identity)")) }
            guard claim.identity == expected else {
                return .failure(.wrongIdentity(presented: claim.identity, expected: expected))
            }
        }
        return .success(claim.identity)
    }
}

extension CertificateRefusal: Error {}

extension String {
    /// Text from an unverified peer, safe for a log line.
    package var printable: String { PrintableText(ascii: self, limit: 100).description }
}
