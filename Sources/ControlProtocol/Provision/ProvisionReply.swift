/// What `mitosis-agent provision` answers: one line of JSON each.
package enum ProvisionReply: Hashable, Sendable, Codable, Bounded {
    /// A key was made on the host; its certificate is asked for (PEM). The grant is awaited.
    case request(pem: String)
    /// Everything is in place, and the unit runs.
    case placed(Placed)
    /// Everything of ours is gone.
    case removed(Removed)
    /// Nothing was changed.
    case refused(reason: String)
    /// Something went wrong under way; what had been changed was undone, unless said otherwise.
    case failed(reason: String, isUndone: Bool)

    package struct Placed: Hashable, Sendable, Codable {
        /// What is other than before.
        package let files: [ProvisionedFile]
        /// Drop-ins of ours beside units that are not, written or taken away; nil from a host of an earlier version.
        package let holds: [String]?
        /// SHA-256 of the certificate in place; nil when it was not touched.
        package let fingerprint: String?
        package let restarted: Bool
        /// Nil when the agent was not restarted, or none had run.
        package let rules: RulesProof?
        /// The state directory that the agent had before, if it has another now; nil from a host of an earlier version.
        package let left: String?

        package init(
            files: [ProvisionedFile],
            holds: [String],
            fingerprint: String?,
            restarted: Bool,
            rules: RulesProof?,
            left: String? = nil
        ) {
            self.files = files
            self.holds = holds
            self.fingerprint = fingerprint
            self.restarted = restarted
            self.rules = rules
            self.left = left
        }
    }

    package struct Removed: Hashable, Sendable, Codable {
        /// What was taken away.
        package let paths: [String]
        /// What is still there, each with its reason; empty is proven.
        package let left: [String]

        package init(paths: [String], left: [String]) {
            self.paths = paths
            self.left = left
        }
    }

    package func check() throws(OutOfBounds) {
        switch self {
        case .request, .refused, .failed: return
        case .placed(let placed):
            try check("placed.holds", elementsOf: placed.holds ?? [])
            try check("placed.rules", placed.rules)
        case .removed(let removed):
            try check("removed.paths", elementsOf: removed.paths)
            try check("removed.left", elementsOf: removed.left)
        }
    }
}

/// Our rules in the kernel, in every backend, around an agent's restart.
package struct RulesProof: Hashable, Sendable, Codable, Bounded {
    package let rulesBefore: Int
    package let rulesAfter: Int
    /// How often they were read while the agent restarted.
    package let looks: Int
    /// Whether each look, and the last one, saw exactly what the first one saw.
    package let isIdentical: Bool

    package init(rulesBefore: Int, rulesAfter: Int, looks: Int, isIdentical: Bool) {
        self.rulesBefore = rulesBefore
        self.rulesAfter = rulesAfter
        self.looks = looks
        self.isIdentical = isIdentical
    }

    /// As a line of a look has it.
    package var words: String {
        "\(rulesBefore) \(rulesAfter) \(looks) \(isIdentical ? Self.same : Self.other)"
    }

    private static let same = "same"
    private static let other = "other"

    /// Nil for what `words` never are.
    package init?(words: some StringProtocol) {
        let parts = words.split(separator: " ")
        let numbers = parts.prefix(3).compactMap { Int($0) }.filter { Bound.count.contains($0) }
        guard parts.count == 4, numbers.count == 3, parts[3] == Self.same || parts[3] == Self.other else {
            return nil
        }
        self.init(
            rulesBefore: numbers[0],
            rulesAfter: numbers[1],
            looks: numbers[2],
            isIdentical: parts[3] == Self.same
        )
    }

    /// What went wrong, and what to do; nil for nothing.
    package var objection: String? {
        isIdentical
            ? nil
            : "our rules there were not the same before, during and after the restart (\(rulesBefore) before, "
                + "\(rulesAfter) after): look at them with `mitosis rules list`, now"
    }

    package func check() throws(OutOfBounds) {
        try check("rulesBefore", rulesBefore, Bound.count)
        try check("rulesAfter", rulesAfter, Bound.count)
        try check("looks", looks, Bound.count)
    }
}
