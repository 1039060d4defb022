/// `POST /v1/chain`: entries of a run's chain, for the host to keep.
///
/// Coordinators only, and under the lease that is in force.
package struct ChainRequest: Hashable, Sendable, Codable {
    /// The chain is that of its run.
    package let lease: Lease
    /// One after the other; none only asks where the host's chain ends.
    package let entries: [ChainLink]
    /// Puts these, from number 0 on, in place of a chain of the same run.
    package let replacing: Bool

    package init(lease: Lease, entries: [ChainLink], replacing: Bool = false) {
        self.lease = lease
        self.entries = entries
        self.replacing = replacing
    }
}

/// What a host keeps of a chain.
package struct ChainState: Hashable, Sendable, Codable {
    /// Nil when it keeps none.
    package let run: RunID?
    package let head: ChainHead?
    /// Why what was sent was not kept, or what is kept cannot be believed.
    package let problem: String?

    package init(run: RunID?, head: ChainHead?, problem: String? = nil) {
        self.run = run
        self.head = head
        self.problem = problem
    }
}

/// `POST /v1/read/chain`: what a host keeps, page by page.
///
/// Coordinators only.
package struct ChainReadRequest: Hashable, Sendable, Codable {
    /// The number of the first entry that is wanted.
    package let from: Int

    package init(from: Int) { self.from = from }
}

package struct ChainPage: Hashable, Sendable, Codable {
    package let state: ChainState
    /// Half a MiB of content or one entry; fewer than there are when the last is not the head.
    package let entries: [ChainLink]
    /// The command that the agent is carrying out just now.
    package let acting: CommandID?

    package init(state: ChainState, entries: [ChainLink], acting: CommandID? = nil) {
        self.state = state
        self.entries = entries
        self.acting = acting
    }
}

/// How much a host keeps for a run.
package enum ChainLimit {
    /// Bytes of one entry's content.
    package static let entry = 256 << 10
    /// Bytes of the file that a host keeps.
    package static let chain = 16 << 20
    /// Bytes of content in one request or answer, unless it is one entry.
    package static let page = 512 << 10
    /// Entries in one request or answer.
    package static let entries = 1000
}

extension Sequence where Element == ChainLink {
    /// As many from the beginning as one request or answer takes.
    package var page: [ChainLink] {
        var (page, size): ([ChainLink], Int) = ([], 0)
        for link in self {
            size += link.content.count
            // A hundred bytes and more stand around each content.
            guard page.isEmpty || (size <= ChainLimit.page && page.count < ChainLimit.entries) else { break }
            page.append(link)
        }
        return page
    }
}

extension ChainLink: Bounded {
    package func check() throws(OutOfBounds) {
        try check("number", number, 0...1_000_000)
        try check("content", content.count, 0...ChainLimit.entry)
    }
}

extension ChainHead: Bounded {
    package func check() throws(OutOfBounds) { try check("number", number, 0...1_000_000) }
}

extension ChainRequest: Bounded {
    package func check() throws(OutOfBounds) {
        try check("lease", lease)
        try check("entries", each: entries, most: ChainLimit.entries)
    }
}

extension ChainState: Bounded {
    package func check() throws(OutOfBounds) { try check("head", head) }
}

extension ChainReadRequest: Bounded {
    package func check() throws(OutOfBounds) { try check("from", from, 0...1_000_000) }
}

extension ChainPage: Bounded {
    package func check() throws(OutOfBounds) {
        try check("state", state)
        try check("entries", each: entries, most: ChainLimit.entries)
    }
}
