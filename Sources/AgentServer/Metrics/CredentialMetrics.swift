import ControlProtocol

extension AgentMetrics {
    /// Certificates and lists, when they end, and whether what is on disk is what is in force.
    func credentials(_ credentials: CredentialExpiry, _ page: inout PrometheusText) {
        page.add(
            "mitosis_certificate_expiry_days",
            .gauge,
            "Days until the agent's certificate expires.",
            [.init(days(until: credentials.certificate))]
        )
        if let authority = credentials.authority {
            page.add(
                "mitosis_authority_expiry_days",
                .gauge,
                "Days until the first of the trusted authorities expires.",
                [.init(days(until: authority))]
            )
        }
        if let list = credentials.revocationList {
            page.add(
                "mitosis_revocation_list_expiry_days",
                .gauge,
                "Days until a newer revocation list is due.",
                [.init(days(until: list))]
            )
        }
        let lists = credentials.revocationLists ?? []
        if !lists.isEmpty {
            page.add(
                "mitosis_revocation_list_number",
                .gauge,
                "Number of the revocation list in force, by the SHA-256 of its authority's key.",
                lists.map { .init($0.number, ["authority": $0.authority]) }
            )
        }
        let failed = Set((credentials.failures ?? []).map(\.part))
        page.add(
            "mitosis_credential_files_refused",
            .gauge,
            "1 while files as they lie on disk are not used: the certificate, what it trusts, the record of list numbers.",
            ["certificate", "trust", "record"].map { .init(failed.contains($0) ? "1" : "0", ["part": $0]) }
        )
    }

    private func days(until expiry: Int64) -> String {
        // Hundredths are enough, and never print as an exponent.
        let hundredths = (expiry - now) / 864_000
        let fraction = String(hundredths.magnitude % 100 + 100).dropFirst()
        return "\(hundredths < 0 ? "-" : "")\(hundredths.magnitude / 100).\(fraction)"
    }
}
