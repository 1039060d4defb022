/// What the check of one writer's history against the servers of its side found.
package struct HistoryReport: Codable, Sendable, Hashable {
    /// An acknowledged write that servers of its own side do not have.
    package struct Lost: Codable, Sendable, Hashable {
        package let path: String
        package let missingOn: [String]

        package init(path: String, missingOn: [String]) {
            self.path = path
            self.missingOn = missingOn
        }
    }

    package let side: LabHost.Side
    package var acknowledged = 0
    package var failed = 0
    /// Writes whose outcome the client never learned, and how many of them are there.
    package var unknown = 0
    package var unknownThatHappened = 0
    package var lost: [Lost] = []
    /// The longest time without an acknowledgement, in seconds.
    package var longestGap: Double?
    /// The same, of the gaps that touch the window that was asked for.
    package var gapInWindow: Double?
    package var sessionKept = false
    package var ephemeralKept = false
    /// Whether writes of one side were looked for on the other (needs the moment of the split).
    package var mixingChecked = false
    /// Writes begun after the split that the other side has.
    package var mixed: [String] = []
    /// Everything else that is wrong, a sentence each.
    package var problems: [String] = []

    package init(side: LabHost.Side) { self.side = side }

    /// Whether anything was lost, mixed or otherwise wrong.
    package var isClean: Bool {
        lost.isEmpty && mixed.isEmpty && problems.isEmpty && sessionKept && ephemeralKept
    }
}
