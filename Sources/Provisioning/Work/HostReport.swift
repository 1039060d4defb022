package import ControlProtocol

/// What came of a host.
package struct HostReport: Hashable, Sendable {
    package enum Outcome: Hashable, Sendable {
        /// The agent runs and answers over mutual TLS; `changed` is empty when nothing was to be done.
        case ready(changed: [String], rules: RulesProof?)
        /// A dry run, and what it would have done; empty for nothing.
        case wouldChange([String])
        /// Nothing of ours is left, which was proven; `paths` is empty when nothing was there.
        case removed(paths: [String])
        /// Nothing was changed; every reason.
        case refused([String])
        case failed(String)
    }

    package let host: HostName
    package let outcome: Outcome
    /// As the agent itself says it.
    package var version: String?
    /// Of a certificate that was signed just now.
    package var fingerprint: String?

    package init(host: HostName, outcome: Outcome, version: String? = nil, fingerprint: String? = nil) {
        self.host = host
        self.outcome = outcome
        self.version = version
        self.fingerprint = fingerprint
    }

    /// Whether the host is as the command wants it, or would be.
    package var isGood: Bool {
        switch outcome {
        case .ready, .wouldChange, .removed: true
        case .refused, .failed: false
        }
    }
}

/// What is under way on a host, for whoever watches.
package enum HostProgress: String, Hashable, Sendable, CaseIterable {
    case waiting
    case connecting
    case looking
    case sending
    case signing
    case verifying
}
