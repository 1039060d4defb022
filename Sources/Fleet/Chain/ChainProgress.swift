package import ControlProtocol

/// What one host is known to keep of a run's chain, and what it is sent next.
///
/// | known | next | the answer | known then |
/// |---|---|---|---|
/// | nothing | asked where its chain ends | ends as ours does at that number | so many |
/// | | | another run's chain, or none | none of them |
/// | | | something else, or damaged | none of them: ours is to take its place |
/// | so many | the next ones; from number 0 on, in place of its own if need be | the same | the same |
/// | | | no answer | nothing |
/// | all | nothing | | |
package struct ChainProgress: Hashable, Sendable {
    package enum Next: Hashable, Sendable {
        case nothing
        case send(entries: [ChainLink], replacing: Bool)
    }

    /// What is told of a host once.
    package enum Remark: Hashable, Sendable {
        /// Its agent keeps no chains.
        case outdated
        case damaged(reason: String)
        /// It keeps something else of this run, to this number.
        case differs(head: Int)
        case notKept(reason: String)
    }

    /// How many entries it is known to keep; nil when that is not known.
    package private(set) var held: Int?
    private var replaces = false

    package init() {}

    package func next(of links: [ChainLink]) -> Next {
        guard let held else { return .send(entries: [], replacing: false) }
        guard held < links.count else { return .nothing }
        return .send(entries: links[held...].page, replacing: held == 0 && replaces)
    }

    /// Nothing is known of what was sent last.
    package mutating func lost() { held = nil }

    package mutating func answered(_ state: ChainState, of run: RunID, _ links: [ChainLink]) -> Remark? {
        let problem = state.problem.map { Remark.notKept(reason: $0) }
        guard state.run == run else {
            (held, replaces) = (0, false)
            return problem
        }
        guard let head = state.head else {
            (held, replaces) = (0, true)
            return state.problem.map { .damaged(reason: $0) }
        }
        guard head.number < links.count, links[head.number].head == head else {
            (held, replaces) = (0, true)
            return .differs(head: head.number)
        }
        (held, replaces) = (head.number + 1, false)
        return problem
    }
}
