import LabKit
import Testing

/// One lab for all tests of a suite, up before the first and down after the last.
struct SharedLab: SuiteTrait, TestScoping {
    @TaskLocal private static var current: Lab?

    let brokers: Int

    /// The lab of the suite that runs.
    static var lab: Lab {
        get throws { try #require(current, "the suite has no lab") }
    }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @Sendable @concurrent () async throws -> Void
    ) async throws {
        try await LabFixture.withLab(brokers: brokers) { lab in
            try await lab.up()
            try await Self.$current.withValue(lab) { try await function() }
        }
    }
}

extension Trait where Self == SharedLab {
    static func sharedLab(brokers: Int = 0) -> Self { SharedLab(brokers: brokers) }
}
