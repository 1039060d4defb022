internal import COpenSSL
internal import FoundationEssentials
internal import SystemCalls

/// The authority file and the revocation lists, as they were read.
///
/// They are read without a look at this side's own certificate and key, so that nothing that is wrong with those keeps a
/// revocation from taking effect.
struct TrustFiles: Sendable {
    let authority: CredentialFile
    let revoked: CredentialFile?

    init(reading files: TLSFiles, believing owners: TrustedOwners? = nil) throws(TLSError) {
        authority = try CredentialFile(reading: files.authority, believing: owners)
        revoked = try files.revoked.map { path throws(TLSError) in
            try CredentialFile(reading: path, believing: owners)
        }
    }

    var stamps: [FileStamp?] { [authority.stamp] + (revoked.map { [$0.stamp] } ?? []) }
}

/// The parsed content of `TrustFiles`: whom this side trusts, and what of that was revoked.
struct Trust {
    struct Listed {
        let list: RevocationList
        let facts: RevocationListFacts
    }

    let authorities: [Certificate]
    /// At most one of each authority: its newest.
    let lists: [Listed]

    init(_ files: TrustFiles) throws(TLSError) {
        authorities = try PEM.certificates(in: files.authority)
        for authority in authorities where X509_check_ca(authority.pointer) == 0 {
            throw .notAnAuthority(path: files.authority.path)
        }
        guard let revoked = files.revoked else {
            lists = []
            return
        }
        var newest: [String: Listed] = [:]
        for list in try PEM.revocationLists(in: revoked) {
            let listed = try Self.judge(list, in: revoked.path, authorities, files.authority.path)
            let other = newest[listed.facts.authority]
            if let other, other.facts.number > listed.facts.number { continue }
            if let other, other.facts.number == listed.facts.number,
                other.facts.digest != listed.facts.digest
            {
                throw .malformed(
                    path: revoked.path,
                    detail: "two different lists in it have the number \(listed.facts.number)"
                )
            }
            newest[listed.facts.authority] = listed
        }
        lists = newest.values.sorted { $0.facts.authority < $1.facts.authority }
    }

    private static func judge(
        _ list: RevocationList,
        in path: String,
        _ authorities: [Certificate],
        _ authorityPath: String
    ) throws(TLSError) -> Listed {
        guard let signer = authorities.first(where: { list.isSigned(by: $0) }) else {
            throw .malformed(
                path: path,
                detail: "a list in it is not signed by the authority that it names, or by none that is in "
                    + authorityPath
            )
        }
        guard let number = list.number else {
            throw .malformed(
                path: path,
                detail: "a list in it has no number, so that nobody can tell its age"
            )
        }
        guard !list.isPartial else {
            throw .malformed(path: path, detail: "list number \(number) in it does not cover everything")
        }
        let facts = RevocationListFacts(
            authority: signer.keyDigest,
            number: number,
            digest: list.digest,
            nextUpdate: list.nextUpdate
        )
        guard !facts.authority.isEmpty, !facts.digest.isEmpty else {
            throw .library(
                operation: "take the digest of a revocation list",
                detail: Diagnostics.drain().text
            )
        }
        return Listed(list: list, facts: facts)
    }
}
