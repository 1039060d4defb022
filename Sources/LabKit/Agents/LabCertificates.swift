internal import FoundationEssentials

extension Lab {
    /// Makes an authority and issues a certificate to the coordinator and to every agent, with the commands
    /// that an operator would use.
    func issueCertificates() async throws(LabError) {
        try await pki(["init"], "making the certificate authority")
        try await pki(["issue", "coordinator", "ops"], "issuing the coordinator's certificate")
        for host in configuration.servingHosts {
            let addresses = ["--san", host.ipv4, "--san", host.ipv6]
            try await pki(
                ["issue", "agent", host.name] + addresses,
                "issuing the certificate of \(host.name)"
            )
            try install(host)
        }
    }

    private func pki(_ arguments: [String], _ step: String) async throws(LabError) {
        let argv = [binaries.coordinator, "pki"] + arguments + ["--directory", layout.pki]
        try await Tool(argv).output(step: step)
    }

    /// Copies what the agent needs, and nothing else, to where its settings say.
    private func install(_ host: LabHost) throws(LabError) {
        let folder = layout.host(host).tls
        let files = [
            ("agents/\(host.name).pem", "agent.pem"), ("agents/\(host.name).key", "agent.key"),
            ("ca.pem", "ca.pem"), ("ca.crl", "ca.crl"),
        ]
        for (from, to) in files {
            do {
                try FileManager.default.copyItem(atPath: "\(layout.pki)/\(from)", toPath: "\(folder)/\(to)")
            } catch {
                throw .file(
                    path: "\(layout.pki)/\(from)",
                    reason: "cannot be copied to \(folder)/\(to): \(error)"
                )
            }
        }
    }
}
