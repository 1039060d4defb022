package import Settings

/// What became of one check.
package struct Finding: Hashable, Sendable, Codable {
    package enum Verdict: String, Hashable, Sendable, Codable {
        case pass
        case warn
        case fail
        case waived
    }

    package let name: CheckName
    package let traps: [Int]
    /// What must be seen.
    package let title: String
    package let verdict: Verdict
    /// What was observed, or what is wrong, with every host that it is wrong on.
    package let reason: String
    /// Nil for a check that passes.
    package let remedy: String?
    /// The operator's reason, when it was waived.
    package let waiver: String?

    package init(
        name: CheckName,
        title: String,
        verdict: Verdict,
        reason: String,
        remedy: String? = nil,
        waiver: String? = nil
    ) {
        self.name = name
        traps = name.traps
        self.title = title
        self.verdict = verdict
        self.reason = reason
        self.remedy = remedy
        self.waiver = waiver
    }

    /// One line, for instance `epochs: d1: acceptedEpoch 3 is below currentEpoch 4. Never edit these files; ...`.
    package var sentence: String {
        let text = "\(name): \(reason.replacing("\n", with: " "))"
        guard let remedy else { return text }
        return text + (text.hasSuffix(".") ? " " : ". ") + remedy
    }

    /// As the end of a run repeats it; nil when it was not waived.
    package var waiverSentence: String? {
        waiver.map { "\(name) (\($0)): \(reason.replacing("\n", with: " "))" }
    }
}

/// The findings of a preflight with their sums; `mitosis preflight --json` prints it.
package struct PreflightReport: Hashable, Sendable, Codable {
    /// The plan's name; of a file that is no plan, the file's.
    package let plan: String
    package let strategy: MigrationPlan.Strategy?
    package let findings: [Finding]
    package let passed: Int
    package let warned: Int
    package let failed: Int
    package let waived: Int

    package init(_ plan: String, _ strategy: MigrationPlan.Strategy?, _ findings: [Finding]) {
        self.plan = plan
        self.strategy = strategy
        self.findings = findings
        let count = { (verdict: Finding.Verdict) in findings.count { $0.verdict == verdict } }
        passed = count(.pass)
        warned = count(.warn)
        failed = count(.fail)
        waived = count(.waived)
    }

    /// Of a file that was refused: each mistake under the check that it belongs to.
    package init(file: String, refused error: PlanError) {
        let faults: [(check: CheckName, text: String)] =
            switch error {
            case .unreadable(let error): [(.planFile, "\(error)")]
            case .invalid(let problems): problems.map { ($0.fault.check, $0.description) }
            }
        let findings = CheckName.allCases.compactMap { name -> Finding? in
            let texts = faults.filter { $0.check == name }.map(\.text)
            guard !texts.isEmpty else { return nil }
            return Finding(
                name: name,
                title: "the plan file can be used",
                verdict: .fail,
                reason: texts.joined(separator: "; "),
                remedy: "Correct the plan file; docs/plan-file.md describes it"
            )
        }
        self.init(file, nil, findings)
    }

    package var isClear: Bool { failed == 0 }
}
