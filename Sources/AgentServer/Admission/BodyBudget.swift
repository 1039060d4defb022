import Synchronization

/// How many bytes of request bodies are in memory at a time, of one identity and of all.
///
/// Small ones are free: they are bounded by the number of connections, and what undoes is small.
package final class BodyBudget: Sendable {
    package struct Limits: Hashable, Sendable {
        package let free: Int
        package let perIdentity: Int
        package let total: Int

        package init(free: Int = 16 << 10, perIdentity: Int = 4 << 20, total: Int = 8 << 20) {
            self.free = free
            self.perIdentity = perIdentity
            self.total = total
        }
    }

    private let limits: Limits
    private let taken = Mutex<[String: Int]>([:])

    package init(_ limits: Limits) { self.limits = limits }

    package func open(for identity: String) -> Share { Share(self, identity) }

    private func move(_ identity: String, from old: Int, to new: Int) -> Bool {
        taken.withLock { taken in
            let own = (taken[identity] ?? 0) - old + new
            let all = taken.values.reduce(0, +) - old + new
            guard new <= old || (own <= limits.perIdentity && all <= limits.total) else { return false }
            taken[identity] = own == 0 ? nil : own
            return true
        }
    }

    /// What one request holds; given back with its last reference.
    package final class Share: Sendable {
        private let budget: BodyBudget
        private let identity: String
        private let held = Mutex(0)

        fileprivate init(_ budget: BodyBudget, _ identity: String) {
            self.budget = budget
            self.identity = identity
        }

        deinit { giveBack() }

        /// False when there is no room for so many bytes; the share then stays as it was.
        package func grow(to bytes: Int) -> Bool {
            let wanted = bytes <= budget.limits.free ? 0 : bytes
            return held.withLock { held in
                guard wanted > held else { return true }
                guard budget.move(identity, from: held, to: wanted) else { return false }
                held = wanted
                return true
            }
        }

        package func giveBack() {
            held.withLock { held in
                _ = budget.move(identity, from: held, to: 0)
                held = 0
            }
        }
    }
}
