import Printable
package import Topology

/// What moves, and whose clients may stay where they are: what the census of clients goes by.
package struct PlannedCensus: Hashable, Sendable {
    /// A client that is nobody's concern, by the plan.
    package enum Client: Hashable, Sendable {
        /// With every connection and session of it.
        case address(IPAddress)
        case session(SessionNumber)
        /// A node of what moves: that neither it nor what is below can be read stops nothing.
        case path(String)
    }

    package struct Ignored: Hashable, Sendable {
        package let client: Client
        package let reason: String
        /// Where it stands in the plan file.
        package let line: Int
    }

    /// That move with Kafka: its chroot, or its own nodes at the top where it has none; empty without Kafka.
    package let implied: [String]
    /// That the plan declares besides, in its order.
    package let declared: [String]
    package let ignored: [Ignored]

    /// Everything that moves; empty when nothing is declared.
    package var trees: [String] { implied + declared }

    package func reason(toIgnore client: Client) -> String? {
        ignored.first { $0.client == client }?.reason
    }

    /// Why it may stay unknown what is below a node: the plan names it, or one above it.
    package func reason(toLeaveUnread node: String) -> String? {
        ignored.first { item in
            guard case .path(let path) = item.client else { return false }
            return node == path || node.hasPrefix(path + "/")
        }?.reason
    }
}

extension PlanNotes {
    private static var mostTrees: Int { 100 }
    private static var mostIgnored: Int { 1000 }
    /// Characters of a path, and of a reason.
    private static var longest: Int { 300 }

    /// - Parameters:
    ///   - section: `clients`.
    ///   - chroot: of the plan's brokers, empty when they have none; nil without brokers.
    mutating func census(
        _ root: YAMLMapping,
        _ section: YAMLMapping?,
        chroot: String?
    ) throws(YAMLError) -> PlannedCensus {
        let implied = chroot.map { $0.isEmpty ? KafkaTopNodes.paths : [$0] } ?? []
        return PlannedCensus(
            implied: implied,
            declared: try trees(root, implied: implied),
            ignored: try ignored(section)
        )
    }

    private mutating func trees(_ root: YAMLMapping, implied: [String]) throws(YAMLError) -> [String] {
        let items = try read { () throws(YAMLError) in try root.optionalItems("trees") }
        guard let items = items ?? nil else { return [] }
        if items.count > Self.mostTrees, let node = root["trees"] {
            note(.tooMany(key: "trees", most: Self.mostTrees), at: node)
            return []
        }
        var trees: [(path: String, line: Int)] = []
        for item in items {
            let text = try read { () throws(YAMLError) in try item.string(subject: "each item of 'trees'") }
            guard let text else { continue }
            guard NodePath.isNode(text), isPlain(text) else {
                note(text == "/" ? .wholeTree : .badNodePath(key: "trees", value: shown(text)), at: item)
                continue
            }
            if let other = implied.first(where: { Self.overlap($0, text) }) {
                note(.treeOfKafka(text, other: other), at: item)
            } else if let other = trees.first(where: { Self.overlap($0.path, text) }) {
                note(.overlappingTree(text, other: other.path, firstLine: other.line), at: item)
            }
            trees.append((text, item.position.line))
        }
        return trees.map(\.path)
    }

    /// The same, or one inside the other.
    private static func overlap(_ one: String, _ other: String) -> Bool {
        one == other || one.hasPrefix(other + "/") || other.hasPrefix(one + "/")
    }

    private mutating func ignored(_ map: YAMLMapping?) throws(YAMLError) -> [PlannedCensus.Ignored] {
        guard let map else { return [] }
        let items = try read { () throws(YAMLError) in try map.optionalItems("ignore") }
        guard let items = items ?? nil else { return [] }
        if items.count > Self.mostIgnored, let node = map["ignore"] {
            note(.tooMany(key: "ignore", most: Self.mostIgnored), at: node)
            return []
        }
        var ignored: [PlannedCensus.Ignored] = []
        for item in items {
            guard let entry = try ignoredClient(item) else { continue }
            if let other = ignored.first(where: { $0.client == entry.client }) {
                note(.repeatedIgnore(firstLine: other.line), at: item)
            }
            ignored.append(entry)
        }
        return ignored
    }

    private mutating func ignoredClient(_ item: YAMLNode) throws(YAMLError) -> PlannedCensus.Ignored? {
        guard
            let map = try yaml.mapping(
                item,
                keys: ["address", "session", "path", "reason"],
                subject: "each item of 'ignore'"
            )
        else { return nil }
        let reason = try read { () throws(YAMLError) in try map.string("reason") }
        if let reason, reason.allSatisfy(\.isWhitespace) || !isPlain(reason) {
            note(.ignoredWithoutReason(most: Self.longest), at: map["reason"] ?? map.node)
        }
        let client = try client(map)
        guard let reason, let client else { return nil }
        return PlannedCensus.Ignored(client: client, reason: reason, line: map.line)
    }

    private mutating func client(_ map: YAMLMapping) throws(YAMLError) -> PlannedCensus.Client? {
        switch (map["address"], map["session"], map["path"]) {
        case (let node?, nil, nil):
            let text = try read { () throws(YAMLError) in try map.string("address") }
            guard let text else { return nil }
            guard let address = IPAddress(text) else {
                note(.notAnAddress(shown(text)), at: node)
                return nil
            }
            return .address(address)
        case (nil, let node?, nil):
            let text = try read { () throws(YAMLError) in try map.string("session") }
            guard let text else { return nil }
            guard let session = SessionNumber(hexadecimal: text) else {
                note(.notASession(shown(text)), at: node)
                return nil
            }
            return .session(session)
        case (nil, nil, let node?):
            let text = try read { () throws(YAMLError) in try map.string("path") }
            guard let text else { return nil }
            guard NodePath.isNode(text), isPlain(text) else {
                note(.badNodePath(key: "path", value: shown(text)), at: node)
                return nil
            }
            return .path(text)
        default:
            note(.notOneIgnored, at: map.node)
            return nil
        }
    }

    /// Whether it can be shown as it is, on one line.
    private func isPlain(_ text: String) -> Bool { shown(text) == text }

    private func shown(_ text: String) -> String {
        PrintableText(text, limit: Self.longest).description
    }
}
