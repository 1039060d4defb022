/// What a host must hold to, on its disk, whatever reboots: docs/division.md.
package struct OrderState: Hashable, Sendable, Codable {
    /// Nil when it cannot be read.
    package let run: RunID?
    /// Unix milliseconds.
    package let since: Int64?
    /// Services that may not start; the wall stands all the same when there are none.
    package let held: [String]
    /// Why it cannot be read; then everything on the host counts as held.
    package internal(set) var unreadable: String?
    /// Nil from agents whose orders never lapse: they are kept.
    package let phase: OrderPhase?
    /// Of a provisional one: seconds until the host undoes it, unless a coordinator is heard.
    package let lapsesIn: Int?
    /// Of a kept one: for how many seconds no coordinator was heard; nil while that is not too long.
    package let unattended: Int?
    /// Why a lapsing one is not undone yet.
    package internal(set) var problem: String?

    package init(
        run: RunID,
        since: Int64,
        held: [String],
        phase: OrderPhase? = .kept,
        lapsesIn: Int? = nil,
        unattended: Int? = nil,
        problem: String? = nil
    ) {
        self.run = run
        self.since = since
        self.held = held
        self.phase = phase
        self.lapsesIn = lapsesIn
        self.unattended = unattended
        self.problem = problem
        unreadable = nil
    }

    package init(unreadable: String) {
        run = nil
        since = nil
        held = []
        phase = nil
        lapsesIn = nil
        unattended = nil
        problem = nil
        self.unreadable = unreadable
    }
}

extension OrderState: Bounded {
    package func check() throws(OutOfBounds) {
        try check("since", since, Bound.time)
        try check("held", elementsOf: held)
        try check("lapsesIn", lapsesIn, Bound.span)
        try check("unattended", unattended, Bound.span)
    }
}

extension OrderState: CustomStringConvertible {
    /// As the end of a sentence.
    package var description: String {
        guard let run, let since else { return "an order that cannot be read: \(unreadable ?? "?")" }
        return "an order of run \(run) since \(UnixTime.text(since))" + binding + outlook
    }

    private var binding: String {
        switch phase {
        case .lapsing, .lapsed: ""
        case .provisional, .kept, nil:
            held.isEmpty ? ", the wall alone" : ", which holds back \(held.joined(separator: ", "))"
        }
    }

    private var outlook: String {
        switch phase {
        case .provisional:
            "; the host takes it back by itself "
                + (lapsesIn.map { "in \($0) s" } ?? "soon") + " unless its coordinator is heard"
        case .lapsing:
            "; no coordinator was heard, and the host is taking it back"
                + (problem.map { ", which does not come to its end: \($0)" } ?? "")
        case .lapsed:
            "; no coordinator was heard, and the host has taken it back: `mitosis rollback --to joint` ends the rest"
        case .kept, nil:
            unattended.map { "; for \($0) s no coordinator was heard: `mitosis run` with its plan goes on" }
                ?? ""
        }
    }
}
