/// A set of members that decide by majority.
package struct Ensemble: Hashable, Sendable, Codable {
    /// In ascending order of their ids.
    package let members: [Member]

    package init(_ members: [Member]) { self.members = members.sorted { $0.id < $1.id } }

    /// The members whose votes count; observers have none.
    package var voters: [Member] {
        members.filter { member in
            switch member.role {
            case .participant: true
            case .observer: false
            }
        }
    }

    /// How many voters must agree.
    package var majority: Int { Self.majority(of: voters.count) }
    /// How many voters may fail at once while the rest still decide.
    package var canLose: Int { max(0, voters.count - majority) }
    package var ids: [ServerID] { members.map(\.id) }
    package var addresses: [String] { members.map(\.address) }

    package subscript(id: ServerID) -> Member? { members.first { $0.id == id } }

    /// Whether these members alone could elect a leader and commit.
    package func isQuorum(_ ids: Set<ServerID>) -> Bool {
        !voters.isEmpty && voters.count { ids.contains($0.id) } >= majority
    }

    package static func majority(of voters: Int) -> Int { voters / 2 + 1 }
}
