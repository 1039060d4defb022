import ControlProtocol
import Procedure
import Settings

/// Faults of certificate files and of revocation lists.
extension Fault {
    private static let authority = String(repeating: "a", count: 64)
    private static let other = String(repeating: "b", count: 64)

    private static func lists(_ number: String, of authority: String = authority) -> [RevocationListState] {
        [RevocationListState(authority: authority, number: number, nextUpdate: 1000 * day)]
    }

    private static func expiry(
        _ lists: [RevocationListState]?,
        failures: [CredentialProblem] = []
    ) -> CredentialExpiry {
        CredentialExpiry(
            certificate: 900 * day,
            authority: 900 * day,
            revocationList: lists?.compactMap(\.nextUpdate).min(),
            revocationLists: lists,
            failures: failures
        )
    }

    static let credentials = [
        Fault(
            "a certificate that ends within a week",
            .certificates,
            "s1: its certificate ends in 6 days, at 1970-01-08T",
            make: odd("s1") {
                $0.credentials = CredentialExpiry(certificate: 7 * day, authority: nil, revocationList: nil)
            }
        ),
        Fault(
            "an authority that ends today",
            .certificates,
            "d4: its authority ends in 0 days, at 1970-01-01T",
            "replace an authority as certs/README.md says",
            make: odd("d4") {
                $0.credentials = CredentialExpiry(
                    certificate: 900 * day,
                    authority: 1000,
                    revocationList: nil
                )
            }
        ),
        Fault(
            "a certificate that ends at no time",
            .certificates,
            "s1: its certificate ends at a time that there is not (-9223372036854775808)",
            "s2: its authority ends at a time that there is not (9223372036854775807)"
        ) { model in
            model.make("s1") {
                $0.credentials = CredentialExpiry(certificate: .min, authority: nil, revocationList: nil)
            }
            model.make("s2") {
                $0.credentials = CredentialExpiry(
                    certificate: 900 * day,
                    authority: .max,
                    revocationList: nil
                )
            }
        },
        Fault(
            "files that are not in use as they lie there",
            .credentialFiles,
            "s2: the key /k is open",
            "d6: /ca.crl is refused",
            "Mend the files that are named"
        ) { model in
            model.make("s2") {
                $0.credentials = expiry(
                    lists("3"),
                    failures: [CredentialProblem(part: "certificate", reason: "the key /k is open", since: 1)]
                )
            }
            model.make("d6") {
                $0.credentials = expiry(
                    lists("3"),
                    failures: [CredentialProblem(part: "trust", reason: "/ca.crl is refused", since: 1)]
                )
            }
        },
        Fault(
            "this coordinator's files",
            .credentialFiles,
            "this coordinator: ca.pem can be written by others"
        ) {
            let problem = CredentialProblem(
                part: "trust",
                reason: "ca.pem can be written by others",
                since: 1
            )
            $0.ownCredentials = expiry(lists("3"), failures: [problem])
        },
        Fault("no list here", .revocationList, "this coordinator keeps no revocation list") {
            $0.ownCredentials = expiry([])
        },
        Fault(
            "an older list on a host",
            .revocationList,
            "s3: its list is number 9, this coordinator's number 10",
            "Copy the newest ca.crl"
        ) { model in
            model.ownCredentials = expiry(lists("10"))
            model.make("s3") { $0.credentials = expiry(lists("9")) }
            model.make("s1") { $0.credentials = expiry(lists("10")) }
        },
        Fault(
            "an older list here",
            .revocationList,
            "this coordinator's list is number 10, older than 11 of s1"
        ) { model in
            model.ownCredentials = expiry(lists("10"))
            model.make("s1") { $0.credentials = expiry(lists("11")) }
        },
        Fault("a host without a list", .revocationList, "d5: it keeps no revocation list", verdict: .warn) {
            $0.ownCredentials = expiry(lists("10"))
            $0.make("d5") { $0.credentials = expiry([]) }
        },
        Fault(
            "a host with the list of another authority alone",
            .revocationList,
            "d5: it keeps no list of the authority aaaaaaaaaaaaaaaa",
            verdict: .warn
        ) {
            $0.ownCredentials = expiry(lists("10"))
            $0.make("d5") { $0.credentials = expiry(lists("1", of: other)) }
        },
    ]
}
