import ControlProtocol
import FoundationEssentials
import Rehearsals
import Reporting

extension FuzzTarget {
    /// What `mitosis` and `mitosis-lab` hand each other.
    static let rehearsals: [FuzzTarget] = [
        FuzzTarget(name: "rehearsed-setup", corpus: "rehearsals", suffix: ".seen", style: .json) { _ in
            { input in
                do throws(UnusableSetup) {
                    _ = try RehearsedSetup(reading: input)
                    return true
                } catch {
                    _ = error.description
                    return false
                }
            }
        },
        FuzzTarget(name: "rehearsal-outcome", corpus: "rehearsals", suffix: ".outcome", style: .json) { _ in
            { input in
                do throws(WireProblem) {
                    let outcome: RehearsalOutcome = try WireJSON.decode(from: Data(input))
                    _ = outcome.failures
                    return true
                } catch {
                    _ = "\(error)"
                    return false
                }
            }
        },
    ]
}
