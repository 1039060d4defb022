internal import FoundationEssentials
package import SystemCalls

/// What this side's files must be: one and the same check at the start and at every later look.
package struct CredentialRules: Hashable, Sendable {
    /// Whom this side's own certificate must name.
    package let own: PeerIdentity
    package let trustDomain: TrustDomain
    /// Whose files are believed.
    package let owners: TrustedOwners

    package init(own: PeerIdentity, trustDomain: TrustDomain, owners: TrustedOwners) {
        self.own = own
        self.trustDomain = trustDomain
        self.owners = owners
    }

    func ownPair(_ files: TLSFiles, at now: Date) throws(TLSError) -> OwnPairFiles {
        let read = try OwnPairFiles(reading: files, believing: owners)
        let pair = try OwnPair(read)
        let facts = pair.leaf.facts
        let path = files.certificate
        guard facts.identity(in: trustDomain) == own else {
            throw .malformed(
                path: path,
                detail: "it is not the certificate of \(own.uri(in: trustDomain)); issue one for this "
                    + (own.kind == .agent ? "host" : "name")
            )
        }
        switch own.kind {
        case .agent where !facts.servesTLS:
            throw .malformed(path: path, detail: "it is not meant for servers (no serverAuth usage)")
        case .coordinator where !facts.callsTLS, .viewer where !facts.callsTLS:
            throw .malformed(path: path, detail: "it is not meant for clients (no clientAuth usage)")
        case .agent, .coordinator, .viewer: break
        }
        guard now <= facts.notAfter else { throw .ended(path: path, at: facts.notAfter) }
        guard now >= facts.notBefore else { throw .notBegun(path: path, from: facts.notBefore) }
        // By itself: found out beside the authority and the lists, it would keep these from coming into force.
        do throws(TLSError) {
            try TLSContext.prove(pair, in: trustDomain)
        } catch {
            guard case .library(let operation, let detail) = error else { throw error }
            throw .malformed(path: path, detail: "OpenSSL refuses to \(operation)", quoted: detail)
        }
        return read
    }

    /// A list that has ended is taken: see `PeerJudgement`.
    func trust(_ files: TLSFiles, _ seen: SeenRevocationLists, at now: Date) throws(TLSError) -> TrustFiles {
        let read = try TrustFiles(reading: files, believing: owners)
        let trust = try Trust(read)
        let path = files.authority
        let facts = trust.authorities.map(\.facts)
        for authority in facts {
            guard authority.uris.count == 1,
                let domain = authority.uris.first.flatMap(TrustDomain.init(uri:)),
                domain != trustDomain
            else { continue }
            throw .malformed(
                path: path,
                detail: "it holds the authority of another trust domain than \(trustDomain)",
                quoted: "the trust domain \(domain)"
            )
        }
        if !facts.contains(where: { now <= $0.notAfter }) {
            throw .ended(path: path, at: facts.map(\.notAfter).max() ?? .distantPast)
        }
        if !facts.contains(where: { now >= $0.notBefore && now <= $0.notAfter }) {
            throw .notBegun(path: path, from: facts.map(\.notBefore).min() ?? .distantFuture)
        }
        if let revoked = files.revoked {
            try seen.check(
                trust.lists.map(\.facts),
                of: trust.authorities.map(\.keyDigest),
                in: revoked
            )
        }
        return read
    }
}
