import ControlProtocol
import Synchronization

/// Whose turn it is to touch the host: one command at a time, in the order of their coming; what undoes passes all that waits.
///
/// So many wait at a time at most, of one run and of all; what undoes has places of its own. What is passed by an undoing command of
/// its own lease is not done any more: done afterwards, it would bring back what was just taken away. What nobody waits for when
/// its turn comes is not done either: nobody was told that it would be.
final class CommandTurns: Sendable {
    struct Limits: Hashable, Sendable {
        var perRun = 8
        var total = 32
        var undoing = 16
    }

    struct Entry: Sendable {
        let id: CommandID
        let lease: Lease
        let undoes: Bool
        /// Whether somebody still waits for its answer.
        let isWanted: @Sendable () -> Bool
    }

    enum Admission: Hashable, Sendable {
        /// The caller has the turn.
        case now
        /// Its turn is to be waited for.
        case waits(ticket: Int, behind: CommandID)
        case full(reason: String)
    }

    enum Turn: Hashable, Sendable {
        case come
        case abandoned
        case overtaken(by: CommandID)
    }

    private struct Waiting {
        let ticket: Int
        let entry: Entry
    }

    private enum Answer {
        case awaited(CheckedContinuation<Turn, Never>)
        case ready(Turn)
    }

    private struct State {
        var holder: CommandID?
        var waiting: [Waiting] = []
        var answers: [Int: Answer] = [:]
        var last = 0
        var idle: [CheckedContinuation<Void, Never>] = []
    }

    private typealias Due = (resume: CheckedContinuation<Turn, Never>, turn: Turn)

    private let limits: Limits
    private let state = Mutex(State())

    init(limits: Limits = Limits()) { self.limits = limits }

    /// Who has the turn.
    var holder: CommandID? { state.withLock { $0.holder } }

    var isTaken: Bool { holder != nil }

    func enter(_ entry: Entry) -> Admission {
        let (admission, due) = state.withLock { state -> (Admission, [Due]) in
            guard let holder = state.holder else {
                state.holder = entry.id
                return (.now, [])
            }
            var due: [Due] = []
            if entry.undoes {
                let passed = state.waiting.filter { !$0.entry.undoes && $0.entry.lease == entry.lease }
                due += Self.settle(passed, .overtaken(by: entry.id), &state)
            }
            if objection(to: entry, state) != nil {
                due += Self.settle(state.waiting.filter { !$0.entry.isWanted() }, .abandoned, &state)
            }
            if let reason = objection(to: entry, state) { return (.full(reason: reason), due) }
            state.last += 1
            let place = entry.undoes ? state.waiting.firstIndex { !$0.entry.undoes } : nil
            state.waiting.insert(
                Waiting(ticket: state.last, entry: entry),
                at: place ?? state.waiting.endIndex
            )
            return (.waits(ticket: state.last, behind: holder), due)
        }
        for (resume, turn) in due { resume.resume(returning: turn) }
        return admission
    }

    /// Called once for each ticket.
    func turn(_ ticket: Int) async -> Turn {
        await withCheckedContinuation { resume in
            let ready = state.withLock { state -> Turn? in
                if case .ready(let turn)? = state.answers.removeValue(forKey: ticket) { return turn }
                state.answers[ticket] = .awaited(resume)
                return nil
            }
            if let ready { resume.resume(returning: ready) }
        }
    }

    /// Passes the turn on; whoever had it calls this, once.
    func release() {
        let (due, idle) = state.withLock { state -> ([Due], [CheckedContinuation<Void, Never>]) in
            var due: [Due] = []
            while let next = state.waiting.first {
                let isWanted = next.entry.isWanted()
                due += Self.settle([next], isWanted ? .come : .abandoned, &state)
                guard isWanted else { continue }
                state.holder = next.entry.id
                return (due, [])
            }
            defer { state.idle = [] }
            state.holder = nil
            return (due, state.idle)
        }
        for (resume, turn) in due { resume.resume(returning: turn) }
        for resume in idle { resume.resume() }
    }

    /// Returns once nobody has the turn and nobody waits for it.
    func untilFree() async {
        await withCheckedContinuation { resume in
            let isFree = state.withLock { state in
                if state.holder != nil { state.idle.append(resume) }
                return state.holder == nil
            }
            if isFree { resume.resume() }
        }
    }

    private func objection(to entry: Entry, _ state: State) -> String? {
        let like = state.waiting.filter { $0.entry.undoes == entry.undoes }
        let most = entry.undoes ? limits.undoing : limits.total
        let own = like.count { $0.entry.lease.runID == entry.lease.runID }
        guard own >= limits.perRun || like.count >= most else { return nil }
        return
            "too many commands wait for their turn (\(own) of this run, \(like.count) in all); nothing was done"
    }

    /// Takes them out of the queue.
    ///
    /// - Returns: those whose task waits already.
    private static func settle(_ waiting: [Waiting], _ turn: Turn, _ state: inout State) -> [Due] {
        let tickets = Set(waiting.map(\.ticket))
        state.waiting.removeAll { tickets.contains($0.ticket) }
        return waiting.compactMap { entry in
            if case .awaited(let resume)? = state.answers.removeValue(forKey: entry.ticket) {
                return (resume, turn)
            }
            state.answers[entry.ticket] = .ready(turn)
            return nil
        }
    }
}
