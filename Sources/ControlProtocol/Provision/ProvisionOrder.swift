/// What a coordinator asks of `mitosis-agent provision` over ssh: one line of JSON on its standard input.
package struct ProvisionOrder: Hashable, Sendable, Codable, Bounded {
    package enum Verb: String, Hashable, Sendable, Codable {
        /// The staged files, a key and a certificate where asked for, the unit enabled and running.
        case place
        /// Everything of ours taken away.
        case remove
    }

    package let verb: Verb
    /// As its agent's certificate bears it.
    package let host: HostName
    package let trustDomain: String
    /// The agent's state directory.
    package let state: String
    /// What lies staged, and is to be placed.
    package let files: [StagedFile]
    /// Whether a new key is to be made and a certificate asked for.
    package let makesKey: Bool
    /// For the journal on the host: who asked.
    package let coordinator: String

    package init(
        verb: Verb,
        host: HostName,
        trustDomain: String,
        state: String,
        files: [StagedFile],
        makesKey: Bool,
        coordinator: String
    ) {
        self.verb = verb
        self.host = host
        self.trustDomain = trustDomain
        self.state = state
        self.files = files
        self.makesKey = makesKey
        self.coordinator = coordinator
    }

    package func check() throws(OutOfBounds) { try check("files", each: files) }
}

/// One staged file, as it must have arrived.
package struct StagedFile: Hashable, Sendable, Codable, Bounded {
    package let file: ProvisionedFile
    package let size: UInt64
    /// Lower-case hexadecimal.
    package let sha256: String

    package init(file: ProvisionedFile, size: UInt64, sha256: String) {
        self.file = file
        self.size = size
        self.sha256 = sha256
    }

    package func check() throws(OutOfBounds) { try check("size", size, 0...file.sizeLimit) }
}

/// The coordinator's answer to a request: PEM.
package struct ProvisionGrant: Hashable, Sendable, Codable, Bounded {
    package let certificate: String

    package init(certificate: String) { self.certificate = certificate }

    package func check() throws(OutOfBounds) {}
}
