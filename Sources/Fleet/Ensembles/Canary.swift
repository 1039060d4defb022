package import Settings

/// A node of its own for each side, written through that side; the sides are apart when it is seen there and nowhere else.
package struct CanaryQuestion: Hashable, Sendable {
    /// Part of the nodes' names.
    package let name: String
    /// Servers that must show a canary that is written through any of them.
    package let sides: [[PlannedServer]]

    package init(name: String, sides: [[PlannedServer]]) {
        self.name = name
        self.sides = sides
    }
}

/// What became of the canaries.
package enum CanaryAnswer: Hashable, Sendable {
    /// One sighting for each side, in the order of the question.
    case seen([CanarySighting])
    /// They could not be written or looked for.
    case silent(reason: String)
}

package struct CanarySighting: Hashable, Sendable {
    package let path: String
    /// Hosts of its own side that do not show it.
    package let missing: [String]
    /// Hosts of another side that show it.
    package let strays: [String]

    package init(path: String, missing: [String], strays: [String]) {
        self.path = path
        self.missing = missing
        self.strays = strays
    }
}
