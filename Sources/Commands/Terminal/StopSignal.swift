import Glibc
import Procedure
import Synchronization

/// Counts SIGINT and SIGTERM: the first asks to stop at the next resting place, the second at once.
enum StopSignal {
    private static let count = Atomic<Int>(0)

    static func install() {
        signal(SIGINT) { _ in StopSignal.count.add(1, ordering: .relaxed) }
        signal(SIGTERM) { _ in StopSignal.count.add(1, ordering: .relaxed) }
        signal(SIGPIPE, SIG_IGN)
        // A lost terminal must not end a run between the split and the destination's leader.
        signal(SIGHUP, SIG_IGN)
    }

    static var request: StopRequest {
        switch count.load(ordering: .relaxed) {
        case 0: .none
        case 1: .atRestingPlace
        default: .now
        }
    }
}
