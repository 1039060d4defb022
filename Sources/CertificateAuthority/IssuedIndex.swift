package import FoundationEssentials
package import MutualTLS

/// One issued certificate, as the index remembers it.
package struct IssuedCertificate: Hashable, Sendable {
    package let serial: String
    package let identity: PeerIdentity
    package let expires: Date
    package var revoked: Date?
}

/// `index.tsv`: serial, kind, name, expiry, and when it was revoked or `-`; one line a certificate, oldest
/// first.
struct IssuedIndex {
    private(set) var certificates: [IssuedCertificate] = []

    init() {}

    init(text: String, path: String) throws(PKIError) {
        for (offset, line) in text.split(separator: "\n").enumerated() {
            guard let certificate = IssuedIndex.parse(line) else {
                throw .damagedIndex(path: path, line: offset + 1)
            }
            certificates.append(certificate)
        }
        guard text.isEmpty || text.hasSuffix("\n") else {
            throw .damagedIndex(path: path, line: certificates.count)
        }
    }

    var text: String {
        let lines = certificates.map { certificate in
            [
                certificate.serial, certificate.identity.kind.rawValue, certificate.identity.name.description,
                certificate.expires.ISO8601Format(), certificate.revoked?.ISO8601Format() ?? "-",
            ].joined(separator: "\t") + "\n"
        }
        return lines.joined()
    }

    var revocations: [CertificateAuthority.Revocation] {
        certificates.compactMap { certificate in
            certificate.revoked.map { .init(serial: certificate.serial, at: $0) }
        }
    }

    mutating func append(_ certificate: IssuedCertificate) { certificates.append(certificate) }

    /// A serial means one certificate; a name or `kind/name` every one that its holder was ever given.
    mutating func revoke(_ text: String, at now: Date) throws(PKIError) -> [IssuedCertificate] {
        let named = certificates.filter {
            $0.serial == text || $0.identity.description == text || $0.identity.name.description == text
        }
        guard !named.isEmpty else { throw .nothingNamed(text: text) }
        let identities = Set(named.map(\.identity.description))
        guard identities.count == 1 else { throw .ambiguous(text: text, candidates: identities.sorted()) }
        let serials = Set(named.filter { $0.revoked == nil }.map(\.serial))
        guard !serials.isEmpty else { throw .alreadyRevoked(text: text) }
        for index in certificates.indices where serials.contains(certificates[index].serial) {
            certificates[index].revoked = now
        }
        return certificates.filter { serials.contains($0.serial) }
    }

    private static func parse(_ line: Substring) -> IssuedCertificate? {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 5, let identity = PeerIdentity("\(fields[1])/\(fields[2])"),
            !fields[0].isEmpty, fields[0].utf8.allSatisfy({ $0 < 0x80 }), fields[0].allSatisfy(\.isHexDigit),
            let expires = date(fields[3])
        else { return nil }
        var certificate = IssuedCertificate(serial: fields[0], identity: identity, expires: expires)
        if fields[4] != "-" {
            guard let revoked = date(fields[4]) else { return nil }
            certificate.revoked = revoked
        }
        return certificate
    }

    private static func date(_ text: String) -> Date? {
        do {
            return try Date(text, strategy: .iso8601)
        } catch {
            return nil
        }
    }
}
