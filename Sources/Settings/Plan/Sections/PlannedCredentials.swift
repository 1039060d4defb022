/// What sessions with ZooKeeper authenticate with, as the plan file names it: never the secret itself.
package struct PlannedCredentials: Hashable, Sendable {
    package enum Scheme: String, Hashable, Sendable, CaseIterable {
        case digest
    }

    package let scheme: Scheme
    /// On the coordinator's host.
    package let path: String
    package let line: Int
}

extension PlanNotes {
    /// Nil without the section, or after a mistake in it was noted.
    mutating func credentials(_ root: YAMLMapping) throws(YAMLError) -> PlannedCredentials? {
        guard root["auth"] != nil, let map = try section("auth", of: root, keys: ["scheme", "file"])
        else { return nil }
        let scheme = try choice("scheme", in: map, default: PlannedCredentials.Scheme.digest)
        let path = try read { () throws(YAMLError) in try map.string("file") }
        guard let scheme, let path else { return nil }
        return PlannedCredentials(scheme: scheme, path: FilePlace.beside(file, path), line: map.line)
    }
}
