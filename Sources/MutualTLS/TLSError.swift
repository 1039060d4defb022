package import FoundationEssentials

/// Why a context cannot be built or a connection ended.
package enum TLSError: Error, Hashable, Sendable {
    case unreadable(path: String, reason: String)
    case keyExposed(path: String, mode: UInt32)
    /// What is `quoted` is another's words: the file's, or OpenSSL's about it.
    case malformed(path: String, detail: String, quoted: String? = nil)
    case keyDoesNotFit(key: String, certificate: String)
    case notP256(path: String)
    case notAnAuthority(path: String)
    /// Somebody else could have written the file.
    case notOurs(reason: String)
    case ended(path: String, at: Date)
    case notBegun(path: String, from: Date)
    case noRevocationList(path: String)
    /// An authority's list takes back what a newer one said.
    case revocationListTakenBack(path: String, authority: String, fault: RevocationListFault)
    /// The number of a list in force could not be kept for the next start.
    case unkept(path: String, reason: String)
    case library(operation: String, detail: String)

    /// This side refused what the peer presented.
    case certificateRefused(CertificateRefusal)
    /// The peer refused, as its alert says. With TLS 1.3 this may follow a completed handshake.
    case refusedByPeer(TLSAlert)
    case notTLS
    case plainHTTP
    case olderTLS
    case exchangeFailed(detail: String)
    case handshakeTimedOut(milliseconds: Int64)
    case closedDuringHandshake
    /// The connection ended without the peer's close notification: data may be missing.
    case truncated
}

/// Why an authority's revocation list cannot take the place of the one that was seen before.
package enum RevocationListFault: Hashable, Sendable {
    case older(number: RevocationNumber, seen: RevocationNumber)
    /// Its number is one that another list had.
    case sameNumber(RevocationNumber)
    case missing(seen: RevocationNumber)
}

/// What is wrong with a peer's certificate.
package enum CertificateRefusal: Hashable, Sendable {
    case absent
    case wrongIdentity(presented: PeerIdentity, expected: PeerIdentity)
    case foreignTrustDomain(presented: String, expected: TrustDomain)
    case notOneURI(count: Int)
    case noIdentity(uri: String)
    case notForServers(presented: String)
    case notForClients(presented: String)
    case expired(presented: String, at: Date)
    case notYetValid(presented: String, from: Date)
    case untrusted(presented: String, reason: String)
    case revoked(presented: String, serial: String)
    case revocationUnknown(presented: String, reason: String)
    case invalid(presented: String, reason: String)
}

extension TLSError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "cannot read \(path): \(reason)"
        case .keyExposed(let path, let mode):
            "the key \(path) is open to its group or to others (mode \(String(mode, radix: 8))): chmod 600 it"
        case .malformed(let path, let detail, let quoted):
            "\(path) cannot be used: \(detail)" + (quoted.map { " (\($0))" } ?? "")
        case .keyDoesNotFit(let key, let certificate):
            "the key \(key) does not belong to the certificate \(certificate): replace both together"
        case .notP256(let path):
            "\(path) is not a P-256 certificate or key: issue one with `mitosis pki issue`"
        case .notAnAuthority(let path): "\(path) holds a certificate that is not an authority's"
        case .notOurs(let reason): reason
        case .ended(let path, let date):
            "\(path) is not valid any more: it ended at \(date.ISO8601Format()): issue a new one"
        case .notBegun(let path, let date):
            "\(path) is not valid yet: it begins at \(date.ISO8601Format()): compare the clocks"
        case .noRevocationList(let path):
            "there is no revocation list \(path): copy it here from the authority's directory (`mitosis pki relist` writes it "
                + "again) or from any host, or waive the check revocation-list in the plan"
        case .revocationListTakenBack(let path, let authority, let fault):
            "\(path) is refused: \(fault) of the authority \(authority.prefix(16)); copy the newest list here, or "
                + "write one with a higher number (`mitosis pki relist --above NUMBER`)"
        case .unkept(let path, let reason):
            "\(path) cannot be written: \(reason); until it can, an older revocation list would be taken after a restart"
        case .library(let operation, let detail): "OpenSSL failed to \(operation): \(detail)"
        case .certificateRefused(let refusal): refusal.description
        case .refusedByPeer(let alert): "the peer refused this side: \(alert): \(alert.remedy)"
        case .notTLS: "the peer does not speak TLS: is this the right port?"
        case .plainHTTP: "the peer spoke plain HTTP: use https with a client certificate"
        case .olderTLS: "the peer offers no TLS 1.3, which is the only version accepted"
        case .exchangeFailed(let detail): "the TLS exchange failed: \(detail)"
        case .handshakeTimedOut(let milliseconds):
            "no TLS handshake within \(milliseconds) ms: the peer is silent, stuck or does not speak TLS"
        case .closedDuringHandshake: "the peer closed the connection during the TLS handshake: see its log"
        case .truncated: "the connection ended without TLS close notification: data may be missing"
        }
    }
}

extension TLSError {
    /// Of a file of this program's own: which one, and the kind of fault, without what stands in it.
    package var withoutContent: String {
        switch self {
        case .malformed(let path, let detail, _): TLSError.malformed(path: path, detail: detail).description
        case .unkept(let path, _): "\(path) cannot be written"
        case .library(let operation, _): "OpenSSL failed to \(operation)"
        case .unreadable, .keyExposed, .keyDoesNotFit, .notP256, .notAnAuthority, .notOurs, .ended, .notBegun,
            .noRevocationList, .revocationListTakenBack:
            description
        case .certificateRefused, .refusedByPeer, .notTLS, .plainHTTP, .olderTLS, .exchangeFailed,
            .handshakeTimedOut, .closedDuringHandshake, .truncated:
            "a connection failed"
        }
    }
}

extension RevocationListFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .older(let number, let seen):
            "it holds list number \(number), older than number \(seen), which was in force here,"
        case .sameNumber(let number):
            "it holds another list number \(number) than the one that was in force here"
        case .missing(let seen): "it does not hold the list (number \(seen) was in force here)"
        }
    }
}

extension CertificateRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .absent: "the peer presented no certificate"
        case .wrongIdentity(let presented, let expected):
            "the certificate of \(presented) was presented where \(expected) was expected"
        case .foreignTrustDomain(let presented, let expected):
            "the certificate of \(presented) is not of the trust domain \(expected)"
        case .notOneURI(let count):
            "the certificate carries \(count) URIs where exactly one must name its owner"
        case .noIdentity(let uri): "the certificate's URI \(uri) names no coordinator, agent or viewer"
        case .notForServers(let presented):
            "the certificate of \(presented) is not meant for servers (no serverAuth usage)"
        case .notForClients(let presented):
            "the certificate of \(presented) is not meant for clients (no clientAuth usage)"
        case .expired(let presented, let date):
            "the certificate of \(presented) expired at \(date.ISO8601Format()): issue a new one"
        case .notYetValid(let presented, let date):
            "the certificate of \(presented) is not valid before \(date.ISO8601Format()): compare the clocks"
        case .untrusted(let presented, let reason):
            "the certificate claiming \(presented) is not from a trusted authority: \(reason)"
        case .revoked(let presented, let serial):
            "the certificate of \(presented), serial \(serial), is revoked"
        case .revocationUnknown(let presented, let reason):
            "no valid revocation list covers the certificate of \(presented): \(reason)"
        case .invalid(let presented, let reason):
            "the certificate claiming \(presented) is refused: \(reason)"
        }
    }
}
