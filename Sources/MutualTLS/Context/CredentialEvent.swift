package import FoundationEssentials

/// What belongs together in a side's files: each is read, judged and put in force by itself.
package enum CredentialPart: String, Hashable, Sendable, CaseIterable {
    /// This side's own certificate and key.
    case certificate
    /// The authority and the revocation lists.
    case trust
    /// The record of the numbers of lists that were in force.
    case record
}

/// Why a part as it lies on disk is not what is in force.
package struct CredentialFailure: Hashable, Sendable {
    package let part: CredentialPart
    package let error: TLSError
    /// When it was first met.
    package let since: Date
}

/// What a context that follows its files tells of them.
package enum CredentialEvent: Hashable, Sendable {
    case certificateReplaced(CertificateFacts)
    case trustReplaced(lists: [RevocationListFacts])
    /// What is on disk is not used; the earlier one stays in force.
    case refused(CredentialFailure)
    /// The list has ended, and is in force all the same.
    case listOverdue(since: Date)
}
