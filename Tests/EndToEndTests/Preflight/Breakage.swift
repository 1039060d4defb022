import LabKit
import Testing

/// One set-up broken on the real thing, the checks that must fail on it, and no others.
struct Breakage: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Names of the checks that fail, in the order of the report.
    let expected: [String]
    /// Names of those that warn of it, too.
    let warned: [String]
    /// What their reasons say: the hosts, and what is wrong.
    let said: [String]
    let make: @Sendable (Bench) async throws -> Mending

    init(
        _ name: String,
        _ expected: [String],
        warning warned: [String] = [],
        saying said: [String],
        make: @escaping @Sendable (Bench) async throws -> Mending
    ) {
        testDescription = name
        self.expected = expected
        self.warned = warned
        self.said = said
        self.make = make
    }

    /// Breaks, looks, mends, and looks again.
    func perform(on lab: Lab) async throws {
        let coordinator = Coordinator(lab: lab)
        let mend = try await make(Bench(lab: lab))
        do {
            let broken = try await coordinator.preflight()
            #expect(broken.names("fail") == expected, "\(broken.faults)")
            #expect(broken.names("warn") == warned, "\(broken.faults)")
            let failed = broken.findings.filter { $0.verdict == "fail" }
            let reasons = failed.map(\.reason).joined(separator: "\n")
            for text in said { #expect(reasons.contains(text), "\(reasons)") }
            for finding in failed { #expect(!(finding.remedy ?? "").isEmpty, "\(finding)") }
        } catch {
            try await mend()
            throw error
        }
        try await mend()
        let mended = try await coordinator.preflight()
        #expect(mended.passed == mended.findings.count, "not mended: \(mended.faults)")
    }
}
