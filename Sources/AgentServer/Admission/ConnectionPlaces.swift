/// Who holds which place among the connections, and who makes room for whom.
///
/// Nobody who comes is refused for having no name yet: the oldest nameless connection of the address that has the most of them
/// goes instead, so that a flood pushes out itself, also where it shares its address with a coordinator. Viewers have places of
/// their own, and none of them stands when a coordinator needs it.
struct ConnectionPlaces {
    struct Holder: Hashable, Sendable {
        let identity: String
        let isCoordinator: Bool
    }

    enum Verdict: Hashable, Sendable {
        case taken
        /// Another one loses its place, and is for the caller to close.
        case takenInPlace(of: Int)
        case refused(reason: String)
    }

    private struct Place {
        let id: Int
        var isBusy = false
    }

    private enum Stage {
        case silent(source: String)
        case greeted(source: String)
        case established(holder: Holder)
    }

    private let limits: AgentListener.Limits
    private var stages: [Int: Stage] = [:]
    private var silent = SourceQueue()
    private var greeted = SourceQueue()
    /// Each holder's in the order of their coming.
    private var held: [Holder: [Place]] = [:]

    init(limits: AgentListener.Limits) { self.limits = limits }

    /// - Returns: who must go.
    mutating func arrive(_ id: Int, from source: String) -> Int? {
        let victim = silent.count >= limits.silent ? silent.removeOldestOfMost() : nil
        if let victim { stages[victim] = nil }
        stages[id] = .silent(source: source)
        silent.append(id, from: source)
        return victim
    }

    /// It has begun a handshake, which costs more than silence does.
    ///
    /// - Returns: who must go.
    mutating func greet(_ id: Int) -> Int? {
        guard case .silent(let source) = stages[id] else { return nil }
        silent.remove(id, from: source)
        let victim = greeted.count >= limits.handshakes ? greeted.removeOldestOfMost() : nil
        if let victim { stages[victim] = nil }
        stages[id] = .greeted(source: source)
        greeted.append(id, from: source)
        return victim
    }

    /// Its peer is known.
    mutating func establish(_ id: Int, for holder: Holder) -> Verdict {
        leave(id)
        let victim: Int?
        if holder.isCoordinator {
            victim = victimOfCoordinator(holder)
        } else {
            switch victimOfViewer(holder) {
            case .success(let found): victim = found
            case .failure(let refusal): return .refused(reason: refusal.reason)
            }
        }
        if let victim { leave(victim) }
        stages[id] = .established(holder: holder)
        held[holder, default: []].append(Place(id: id))
        return victim.map { .takenInPlace(of: $0) } ?? .taken
    }

    mutating func note(_ id: Int, isBusy: Bool) {
        guard case .established(let holder) = stages[id] else { return }
        guard let place = held[holder]?.firstIndex(where: { $0.id == id }) else { return }
        held[holder]?[place].isBusy = isBusy
    }

    mutating func leave(_ id: Int) {
        switch stages.removeValue(forKey: id) {
        case .silent(let source): silent.remove(id, from: source)
        case .greeted(let source): greeted.remove(id, from: source)
        case .established(let holder):
            held[holder]?.removeAll { $0.id == id }
            if held[holder]?.isEmpty == true { held[holder] = nil }
        case nil: break
        }
    }

    private struct Refusal: Error {
        let reason: String
    }

    private func victimOfCoordinator(_ holder: Holder) -> Int? {
        if count(of: holder) >= limits.perCoordinator { return victim(of: holder) }
        guard held.values.reduce(0, { $0 + $1.count }) >= limits.connections else { return nil }
        return (most { !$0.isCoordinator } ?? most { $0.isCoordinator }).flatMap(victim)
    }

    private func victimOfViewer(_ holder: Holder) -> Result<Int?, Refusal> {
        let own = count(of: holder)
        if own >= limits.perViewer { return .success(victim(of: holder)) }
        let all = held.values.reduce(0) { $0 + $1.count }
        let viewers = held.reduce(0) { $0 + ($1.key.isCoordinator ? 0 : $1.value.count) }
        guard viewers >= limits.viewers || all >= limits.connections else { return .success(nil) }
        // Whoever has more than the newcomer will have gives one up.
        if let most = most({ !$0.isCoordinator }), count(of: most) > own + 1 {
            return .success(victim(of: most))
        }
        return .failure(Refusal(reason: "too many viewers' connections: \(viewers)"))
    }

    private func count(of holder: Holder) -> Int { held[holder]?.count ?? 0 }

    private func most(_ isMeant: (Holder) -> Bool) -> Holder? {
        held.filter { isMeant($0.key) }
            .max { ($0.value.count, $1.key.identity) < ($1.value.count, $0.key.identity) }?.key
    }

    /// The oldest that answers nothing, or the oldest.
    private func victim(of holder: Holder) -> Int? {
        let places = held[holder] ?? []
        return (places.first { !$0.isBusy } ?? places.first)?.id
    }
}
