package import ControlProtocol
import Synchronization

/// What the agent counts since its start.
package final class AgentCounters: Sendable {
    package struct Values: Hashable, Sendable {
        package var done = 0
        package var refused = 0
        package var failed = 0
        package var restarts = 0
        package var restoredRules = 0
        package var tlsRefusals = 0
        package var deniedRequests = 0
        package var connections = 0
        package var drops: [DropCause: Int] = [:]
    }

    private let values = Mutex(Values())

    package init() {}

    package var now: Values { values.withLock { $0 } }

    package func count(_ outcome: CommandOutcome) {
        values.withLock { values in
            switch outcome {
            case .done: values.done += 1
            case .refused: values.refused += 1
            case .failed: values.failed += 1
            }
        }
    }

    func countRestart() { values.withLock { $0.restarts += 1 } }
    func countRestoration() { values.withLock { $0.restoredRules += 1 } }
    func countTLSRefusal() { values.withLock { $0.tlsRefusals += 1 } }
    func countDenial() { values.withLock { $0.deniedRequests += 1 } }
    func closeConnection() { values.withLock { $0.connections -= 1 } }

    func openConnection() { values.withLock { $0.connections += 1 } }
    func count(_ cause: DropCause) { values.withLock { $0.drops[cause, default: 0] += 1 } }
}
