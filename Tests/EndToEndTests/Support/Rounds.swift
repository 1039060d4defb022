import Glibc
import LabKit
import Testing

/// How often a test repeats a division on the same lab: once in every test run, more often when asked for
/// (MITOSIS_ROUNDS, as `make soak` does).
enum Rounds {
    static var count: Int {
        guard let text = getenv("MITOSIS_ROUNDS"), let count = Int(String(cString: text)), count > 0 else {
            return 1
        }
        return count
    }

    /// Both where asked for (MITOSIS_STRATEGIES=both, as `make division-faults` does), else the one that every test run takes.
    static func strategies(_ sample: LabConfiguration.Strategy) -> [LabConfiguration.Strategy] {
        guard let text = getenv("MITOSIS_STRATEGIES"), String(cString: text) == "both" else {
            return [sample]
        }
        return LossTests.strategies
    }

    /// The body for each round, on a lab as `up` leaves it.
    static func perform(_ lab: Lab, _ body: (Int) async throws -> Void) async throws {
        for round in 1...count {
            if round > 1 { try await lab.reset() }
            try await body(round)
        }
    }
}
