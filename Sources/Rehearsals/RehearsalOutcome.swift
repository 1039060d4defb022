/// What came of a rehearsal: `mitosis-lab rehearse` writes it, and the report has it as a part.
package struct RehearsalOutcome: Codable, Sendable, Hashable {
    package static let format = 1
    /// Bytes of the document.
    package static let sizeLimit = 4 << 20

    /// A host of the plan's, and which of the lab's stood for it.
    package struct Host: Codable, Sendable, Hashable {
        package let part: String
        package let host: String
        package let address: String
        /// Nil for one that nothing stood for.
        package let here: String?
        package let hereAddress: String?

        package init(part: String, host: String, address: String, here: String?, hereAddress: String?) {
            self.part = part
            self.host = host
            self.address = address
            self.here = here
            self.hereAddress = hereAddress
        }
    }

    package enum Result: String, Codable, Sendable, Hashable {
        case passed
        case failed
        /// A test that the plan does not name for rehearsals, a fault whose place was not reached.
        case notTried = "not tried"
    }

    package struct Test: Codable, Sendable, Hashable {
        package let name: String
        package let result: Result
        /// Why, and the end of what it printed.
        package let said: String

        package init(name: String, result: Result, said: String) {
            self.name = name
            self.result = result
            self.said = said
        }
    }

    /// One fault, in a run of its own.
    package struct Fault: Codable, Sendable, Hashable {
        package let step: String
        package let moment: String
        package let host: String
        package let kind: String
        package let result: Result
        package let said: String

        package init(
            step: String,
            moment: String,
            host: String,
            kind: String,
            result: Result,
            said: String
        ) {
            self.step = step
            self.moment = moment
            self.host = host
            self.kind = kind
            self.result = result
            self.said = said
        }
    }

    package var format = RehearsalOutcome.format
    package let plan: String
    /// What was otherwise than in the plan's set-up, a sentence each.
    package let remarks: [String]
    package let hosts: [Host]
    /// Milliseconds, as the run itself says; nil when it says nothing.
    package var predicted: Int?
    package var seen: Int?
    /// Writes of the lab's clients.
    package let acknowledged: Int
    package let lost: Int
    package let rulesLeft: Int
    /// Whether the run's comparison found both trees equal.
    package let isEqual: Bool
    /// Everything that was not as it must be, a sentence each.
    package let problems: [String]
    package let tests: [Test]
    /// In their order; empty when none was asked for.
    package var faults: [Fault] = []

    package init(
        plan: String,
        remarks: [String],
        hosts: [Host],
        predicted: Int? = nil,
        seen: Int? = nil,
        acknowledged: Int,
        lost: Int,
        rulesLeft: Int,
        isEqual: Bool,
        problems: [String],
        tests: [Test] = [],
        faults: [Fault] = []
    ) {
        self.plan = plan
        self.remarks = remarks
        self.hosts = hosts
        self.predicted = predicted
        self.seen = seen
        self.acknowledged = acknowledged
        self.lost = lost
        self.rulesLeft = rulesLeft
        self.isEqual = isEqual
        self.problems = problems
        self.tests = tests
        self.faults = faults
    }

    /// Whether all of it went as it must.
    package var isGood: Bool { failures.isEmpty }

    /// How many of the faults were not tried, to be added to a sentence; empty when all were.
    package var untried: String {
        let count = faults.count { $0.result == .notTried }
        return count == 0 ? "" : "; \(count) of \(faults.count) faults were not tried"
    }

    /// What did not, a few words each.
    package var failures: [String] {
        (problems.isEmpty ? [] : ["the run"])
            + tests.filter { $0.result == .failed }.map { "test \($0.name)" }
            + faults.filter { $0.result == .failed }.map { "\($0.kind) on \($0.host) at \($0.step)" }
    }
}
