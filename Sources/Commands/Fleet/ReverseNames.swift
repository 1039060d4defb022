import Synchronization
import SystemCalls
import Topology

/// What this machine's resolver says of addresses; each is asked for once.
///
/// A name server that is slow holds nobody up: who has no name by then has one in the next look, or none.
final class ReverseNames: Sendable {
    private struct State {
        var waiting: [IPAddress] = []
        var asked: Set<IPAddress> = []
        var names: [IPAddress: String] = [:]
        var workers = 0
    }

    private static let atOnce = 8
    private static let most = 5_000

    private let state = Mutex(State())
    private let patience: Duration
    private let lookUp: @Sendable (IPAddress) -> String?

    init(
        patience: Duration = .seconds(5),
        lookUp: @escaping @Sendable (IPAddress) -> String? = { NetworkAddresses.name(of: $0.bytes) }
    ) {
        self.patience = patience
        self.lookUp = lookUp
    }

    /// Those of `addresses` that have a name, by the time that there is.
    func names(of addresses: Set<IPAddress>) async -> [IPAddress: String] {
        let count = state.withLock { state in
            let new = addresses.subtracting(state.asked).sorted().prefix(Self.most - state.asked.count)
            state.asked.formUnion(new)
            state.waiting += new
            let count = min(Self.atOnce - state.workers, state.waiting.count)
            state.workers += count
            return count
        }
        for _ in 0..<count { BlockingThread.start { self.work() } }
        let end = ContinuousClock.now + patience
        while state.withLock({ $0.workers > 0 }), ContinuousClock.now < end {
            do { try await Task.sleep(for: .milliseconds(10)) } catch {
                // Interrupted: what is known by now is all.
                break
            }
        }
        return state.withLock { $0.names.filter { addresses.contains($0.key) } }
    }

    private func work() {
        while let address = next() {
            let name = lookUp(address)
            state.withLock { $0.names[address] = name }
        }
    }

    /// The next one; nil ends whoever asks.
    private func next() -> IPAddress? {
        state.withLock { state in
            if let address = state.waiting.popLast() { return address }
            state.workers -= 1
            return nil
        }
    }
}
