import Topology

/// How a run proves what it did, as the plan file says: its smoke tests, and the comparison after the division.
package struct PlannedProofs: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case smokeTest = "smoketest"
        case comparison = "compare"
        /// A light client of each side, for as long as a run goes on.
        case probe
    }

    /// Where the comparison begins.
    package let path: String
    /// Left out of it, with all below.
    package let except: [String]
    /// Nodes that it reads of each server in a second, at most.
    package let rate: Int
    /// What is not done, and why.
    package let skipped: [Kind: String]
}

extension PlanNotes {
    /// - Parameter chroot: of the plan's brokers; empty when there is none.
    mutating func proofs(_ root: YAMLMapping, chroot: String) throws(YAMLError) -> PlannedProofs? {
        let keys = ["path", "except", "nodes_per_second", "skip"]
        let map = try section("proofs", of: root, keys: keys)
        let path = try read { () throws(YAMLError) in try map?.optionalString("path") }
        if let text = path ?? nil, !NodePath.isPath(text), let node = map?["path"] {
            note(.badNodePath(key: "path", value: text), at: node)
        }
        let rate = try read { () throws(YAMLError) in
            try map?.optionalInteger("nodes_per_second", in: 1...1_000_000)
        }
        let except = try except(map)
        let skipped = try skipped(map)
        guard root["proofs"] == nil || map != nil, let path, let rate else { return nil }
        return PlannedProofs(
            path: path ?? (chroot.isEmpty ? "/" : chroot),
            except: except,
            rate: rate ?? 2000,
            skipped: skipped
        )
    }

    private mutating func except(_ map: YAMLMapping?) throws(YAMLError) -> [String] {
        let items = try read { () throws(YAMLError) in try map?.optionalItems("except") }
        var paths: [String] = []
        for item in (items ?? nil) ?? [] {
            let text = try read { () throws(YAMLError) in
                try item.string(subject: "each item of 'except'")
            }
            guard let text else { continue }
            if !NodePath.isNode(text) { note(.badNodePath(key: "except", value: text), at: item) }
            paths.append(text)
        }
        return paths
    }

    private mutating func skipped(_ map: YAMLMapping?) throws(YAMLError) -> [PlannedProofs.Kind: String] {
        let items = try read { () throws(YAMLError) in try map?.optionalItems("skip") }
        var skipped: [PlannedProofs.Kind: String] = [:]
        for item in (items ?? nil) ?? [] {
            guard
                let map = try yaml.mapping(item, keys: ["proof", "reason"], subject: "each item of 'skip'"),
                let name = try read({ () throws(YAMLError) in try map.string("proof") }),
                let reason = try read({ () throws(YAMLError) in try map.string("reason") })
            else { continue }
            guard let kind = PlannedProofs.Kind(rawValue: name) else {
                let allowed = PlannedProofs.Kind.allCases.map(\.rawValue)
                note(.notOneOf(key: "proof", value: name, allowed: allowed), at: map["proof"] ?? map.node)
                continue
            }
            if skipped[kind] != nil { note(.repeatedSkip(name), at: map["proof"] ?? map.node) }
            if reason.allSatisfy(\.isWhitespace) {
                note(.skipWithoutReason(name), at: map["reason"] ?? map.node)
            }
            skipped[kind] = reason
        }
        return skipped
    }
}
