package import FoundationEssentials

/// When the files end by which a program knows others and is known, Unix milliseconds, and what is wrong with them.
package struct CredentialExpiry: Hashable, Sendable, Codable {
    package let certificate: Int64
    /// Of the authorities that it trusts, the one that ends first.
    package let authority: Int64?
    /// Of the revocation lists, the one that ends first; nil when it keeps none, or none of them ends.
    package let revocationList: Int64?
    /// The lists in force, one an authority; empty when it keeps none, nil from a version that does not say.
    package let revocationLists: [RevocationListState]?
    /// Why files as they lie on disk are not used; empty when they are, nil from a version that does not say.
    package internal(set) var failures: [CredentialProblem]?

    package init(
        certificate: Int64,
        authority: Int64?,
        revocationList: Int64?,
        revocationLists: [RevocationListState]? = nil,
        failures: [CredentialProblem]? = nil
    ) {
        self.certificate = certificate
        self.authority = authority
        self.revocationList = revocationList
        self.revocationLists = revocationLists
        self.failures = failures
    }

    package init(
        certificate: Date,
        authority: Date?,
        revocationLists: [RevocationListState],
        failures: [CredentialProblem]
    ) {
        self.init(
            certificate: certificate.milliseconds,
            authority: authority?.milliseconds,
            revocationList: revocationLists.compactMap(\.nextUpdate).min(),
            revocationLists: revocationLists,
            failures: failures
        )
    }
}

/// A revocation list in force.
package struct RevocationListState: Hashable, Sendable, Codable {
    /// SHA-256 of the authority's public key, lower-case hexadecimal.
    package let authority: String
    /// Decimal; numbers of an authority's lists only rise.
    package let number: String
    /// When a newer one is due.
    package let nextUpdate: Int64?

    package init(authority: String, number: String, nextUpdate: Int64?) {
        self.authority = authority
        self.number = number
        self.nextUpdate = nextUpdate
    }

    package init(authority: String, number: String, nextUpdate: Date?) {
        self.init(authority: authority, number: number, nextUpdate: nextUpdate?.milliseconds)
    }

    /// Refuses what is no digest and no number: it comes from a host, and is compared and shown.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        authority = try values.decode(String.self, forKey: .authority)
        number = try values.decode(String.self, forKey: .number)
        nextUpdate = try values.decodeIfPresent(Int64.self, forKey: .nextUpdate)
        let isHexadecimal = authority.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
        }
        guard authority.utf8.count == 64, isHexadecimal else {
            throw DecodingError.dataCorruptedError(
                forKey: .authority,
                in: values,
                debugDescription: "not a SHA-256 digest"
            )
        }
        let digits = number.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard digits, (1...49).contains(number.utf8.count), number == "0" || !number.hasPrefix("0") else {
            throw DecodingError.dataCorruptedError(
                forKey: .number,
                in: values,
                debugDescription: "not the number of a revocation list"
            )
        }
    }

    /// Whether this one is of an earlier number.
    package func isOlder(than other: RevocationListState) -> Bool {
        let (one, two) = (number, other.number)
        return one.utf8.count == two.utf8.count ? one < two : one.utf8.count < two.utf8.count
    }
}

/// Why files are not used as they lie on disk; the earlier ones stay in force.
package struct CredentialProblem: Hashable, Sendable, Codable {
    /// `certificate` (with the key), `trust` (authority and revocation lists) or `record` (of the lists' numbers).
    package let part: String
    package internal(set) var reason: String
    /// Since when, Unix milliseconds.
    package let since: Int64
    /// The program's own, and never sent as such.
    let shown: String?

    package init(part: String, reason: String, since: Int64) {
        self.init(part: part, reason, since, shown: nil)
    }

    package init(part: String, reason: FaultText, since: Date) {
        self.init(part: part, reason.whole, since.milliseconds, shown: reason.shown)
    }

    private init(part: String, _ reason: String, _ since: Int64, shown: String?) {
        self.part = part
        self.reason = reason
        self.since = since
        self.shown = shown
    }

    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            part: try values.decode(String.self, forKey: .part),
            reason: try values.decode(String.self, forKey: .reason),
            since: try values.decode(Int64.self, forKey: .since)
        )
    }

    private enum CodingKeys: String, CodingKey {
        case part
        case reason
        case since
    }
}

extension Date {
    fileprivate var milliseconds: Int64 { Int64(timeIntervalSince1970 * 1000) }
}
