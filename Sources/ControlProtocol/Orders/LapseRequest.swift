/// What a host does by itself, with no coordinator and no agent, until its order is committed.
///
/// When nobody renews the run's lease for long enough it takes down the wall, writes the files, and starts what the order held back.
package struct LapseRequest: Hashable, Sendable, Codable {
    /// Seconds without a word of the run's coordinator, 10 to 1200; after a reboot they begin anew.
    package let seconds: Int
    /// Of the agent's allow-list: with these the host's server joins its ensemble again.
    package let files: [FileWrite]
    /// Whether what is held back is started then.
    package let starts: Bool

    package init(seconds: Int, files: [FileWrite], starts: Bool) {
        self.seconds = seconds
        self.files = files
        self.starts = starts
    }

    package static let bounds = 10...1200
}

extension LapseRequest: Bounded {
    package func check() throws(OutOfBounds) { try check("seconds", seconds, Self.bounds) }
}
