import Topology
import ZooKeeperClient

/// Names of a directory of the source that are gone on the destination, and are more than were deleted there.
///
/// A server keeps how many children were ever created, and tells creations and deletions together (`cversion`): with the number of
/// children that gives the deletions. Names, number and `cversion` of one answer are of one moment. As long as the source's directory is
/// what it was when the sides were divided, the destination's has gone on from it: each name that is gone took a deletion.
struct LostChildren: Hashable, Sendable {
    /// All that are gone; which of them were deleted cannot be told.
    let missing: [String]
    let deleted: Int64
    /// The latest change of the source's directory: what is said here holds if both sides had that one.
    let since: Zxid
    /// Places of replicas.
    let replicas: [Int]
    let against: Int

    /// Nil unless every replica of the source shows it beside every one of the destination.
    ///
    /// - Parameters:
    ///   - listed: by place; nil for a replica that did not tell.
    ///   - sides: the places of source and destination.
    ///   - isJudged: whether a name is compared at all.
    init?(_ listed: [NodeChildren?], sides: [[Int]], isJudged: (String) -> Bool) {
        guard sides.count == 2, let against = sides[0].first, !sides[1].isEmpty else { return nil }
        var least: (missing: [String], deleted: Int64)?
        var since = Zxid(0)
        let destinations = sides[1].map { listed[$0].map { (children: $0, names: Set($0.names)) } }
        for place in sides[0] {
            guard let source = listed[place] else { return nil }
            since = max(since, source.stat.pzxid)
            for destination in destinations {
                guard let destination, source.stat.czxid == destination.children.stat.czxid,
                    let before = source.deletions, let after = destination.children.deletions
                else { return nil }
                let missing = source.names.filter { !destination.names.contains($0) && isJudged($0) }
                guard Int64(missing.count) > after - before else { return nil }
                if missing.count - Int(after - before) < least.map({ $0.missing.count - Int($0.deleted) })
                    ?? .max
                {
                    least = (missing, after - before)
                }
            }
        }
        guard let least, !least.missing.isEmpty else { return nil }
        missing = least.missing.sorted()
        deleted = least.deleted
        self.since = since
        replicas = sides[1]
        self.against = against
    }

    /// As a difference of the directory; the first names stand for all.
    var field: FieldDifference {
        let names = missing.prefix(5).joined(separator: ", ") + (missing.count > 5 ? ", ..." : "")
        return FieldDifference(
            field: .children,
            seen: "\(missing.count) of the source's are gone (\(names))",
            against: "\(max(0, deleted)) deleted since"
        )
    }
}

extension NodeChildren {
    /// Nil where the numbers do not fit together: servers count with 32 bits, which wrap.
    fileprivate var deletions: Int64? {
        let twice = Int64(stat.childrenVersion) + Int64(stat.childCount)
        guard twice >= 0, twice.isMultiple(of: 2), names.count == stat.childCount else { return nil }
        return twice / 2 - Int64(stat.childCount)
    }
}
