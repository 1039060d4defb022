import ControlProtocol
import HostControl
import Synchronization

/// Reads our rules in every backend before, during and after something that must leave them alone.
struct RulesWatch: Sendable {
    let look: @Sendable () async -> [LocalRules.Backend]

    /// Counters count on; everything else must stay.
    private struct Seen: Hashable {
        let text: String
        let count: Int

        init(_ found: [LocalRules.Backend]) {
            var count = 0
            text = found.map { part in
                switch part.finding {
                case .missing: return "\(part.backend.rawValue): none"
                case .unreadable(let error): return "\(part.backend.rawValue): \(error)"
                case .rules(let number, let listing):
                    count += number
                    return "\(part.backend.rawValue): \(number)\n\(Self.uncounted(listing))"
                }
            }.joined(separator: "\n")
            self.count = count
        }

        private static func uncounted(_ listing: String) -> String {
            var isCounter = false
            return listing.split(separator: "\n").map { line in
                line.split(separator: " ").map { word -> Substring in
                    defer { isCounter = word == "packets" || word == "bytes" }
                    let isPair = word.hasPrefix("[") && word.hasSuffix("]")
                    return isCounter || isPair ? "N" : word
                }.joined(separator: " ")
            }.joined(separator: "\n")
        }
    }

    func around<Failure: Error>(
        _ work: @Sendable () async throws(Failure) -> Void
    ) async throws(Failure) -> RulesProof {
        let before = Seen(await look())
        let looks = Mutex((count: 0, differed: false))
        let watching = Task {
            while !Task.isCancelled {
                let seen = Seen(await look())
                looks.withLock {
                    $0.count += 1
                    if seen != before { $0.differed = true }
                }
            }
        }
        let outcome: Result<Void, Failure>
        do throws(Failure) { outcome = .success(try await work()) } catch { outcome = .failure(error) }
        watching.cancel()
        await watching.value
        let after = Seen(await look())
        try outcome.get()
        let during = looks.withLock { $0 }
        return RulesProof(
            rulesBefore: before.count,
            rulesAfter: after.count,
            looks: during.count,
            isIdentical: !during.differed && after == before
        )
    }
}
