package import ControlProtocol

/// One line of `commands.jsonl`.
package enum RecordEntry: Hashable, Sendable, Codable {
    /// Written before acting.
    case intent(entry: Intent)
    /// Written after. An intent without one may have happened, wholly or in part.
    case outcome(id: CommandID, at: Int64, outcome: CommandOutcome)
    /// Stands for lines that were found damaged.
    case damaged(damage: RecordDamage)

    package struct Intent: Hashable, Sendable, Codable {
        package let id: CommandID
        package let lease: Lease
        /// The caller, as its certificate names it.
        package let identity: String
        /// SHA-256 of the command's canonical JSON: what makes two commands the same.
        package let digest: String
        /// For people; holds digests in place of file contents.
        package let summary: String
        /// Unix milliseconds.
        package let at: Int64

        package init(
            id: CommandID,
            lease: Lease,
            identity: String,
            digest: String,
            summary: String,
            at: Int64
        ) {
            self.id = id
            self.lease = lease
            self.identity = identity
            self.digest = digest
            self.summary = summary
            self.at = at
        }
    }
}

extension RecordEntry: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .intent(let entry):
            try check("intent.entry.lease", entry.lease)
            try check("intent.entry.at", entry.at, Bound.time)
        case .outcome(_, let at, let outcome):
            try check("outcome.at", at, Bound.time)
            try check("outcome.outcome", outcome)
        case .damaged(let damage):
            try check("damaged.damage.epoch", damage.epoch)
            try check("damaged.damage.count", damage.count, Bound.count)
            try check("damaged.damage.line", damage.line, Bound.count)
        }
    }
}
