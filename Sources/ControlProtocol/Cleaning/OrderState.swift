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

    package init(run: RunID, since: Int64, held: [String]) {
        self.run = run
        self.since = since
        self.held = held
        unreadable = nil
    }

    package init(unreadable: String) {
        run = nil
        since = nil
        held = []
        self.unreadable = unreadable
    }
}

extension OrderState: Bounded {
    package func check() throws(OutOfBounds) {
        try check("since", since, Bound.time)
        try check("held", elementsOf: held)
    }
}

extension OrderState: CustomStringConvertible {
    /// As the end of a sentence.
    package var description: String {
        guard let run, let since else { return "an order that cannot be read: \(unreadable ?? "?")" }
        return "an order of run \(run) since \(UnixTime.text(since))"
            + (held.isEmpty ? ", the wall alone" : ", which holds back \(held.joined(separator: ", "))")
    }
}
