import Synchronization
import ZooKeeperClient

/// Watches that were set by several tasks, and are to be waited for.
final class KeptWatches: Sendable {
    private let watches = Mutex<[NodeWatch]>([])

    func add(_ watch: NodeWatch) { watches.withLock { $0.append(watch) } }

    var all: [NodeWatch] { watches.withLock { $0 } }
}
