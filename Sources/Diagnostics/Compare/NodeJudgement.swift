package import Topology
package import ZooKeeperClient

/// One node as every replica shows it at about the same time; nil where it is not there.
///
/// Pure: replicas of a side must be alike, and so must the sides, but for what the destination may have newer.
package struct NodeJudgement: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, Codable {
        case changed
        case missing
        case extra
    }

    /// What a replica of a side, or a whole side, differs in.
    package struct Difference: Hashable, Sendable {
        package let kind: Kind
        /// The places of the replicas that differ.
        package let replicas: [Int]
        /// The place of the one that they were compared with.
        package let against: Int
        /// Empty for a node that is missing or extra.
        package let fields: [FieldDifference]
    }

    /// How the destination stands to the source.
    package enum Sides: Hashable, Sendable {
        /// The latest transaction that both show, or none where neither has the node.
        case alike(Zxid?)
        /// May be, if the destination's transaction is newer than the division.
        case newer(Difference, since: Zxid)
        /// An ephemeral node whose session the source no longer has, or its parent's count.
        case ended(Difference)
        case differ(Difference)
    }

    package let withinSides: [Difference]
    /// Nil where there is one side only.
    package let betweenSides: Sides?
    /// Of the destination, or of the only side.
    package let reference: WholeNode?
    /// The latest transaction that made the node on the source, or set its data there.
    ///
    /// Not that of its children: sessions that end on the source take their nodes with them.
    package let writtenOnSource: Zxid?

    private init(
        withinSides: [Difference],
        betweenSides: Sides?,
        reference: WholeNode?,
        writtenOnSource: Zxid?
    ) {
        self.withinSides = withinSides
        self.betweenSides = betweenSides
        self.reference = reference
        self.writtenOnSource = writtenOnSource
    }

    /// The same node with nothing said of it.
    var withoutVerdict: NodeJudgement {
        NodeJudgement(
            withinSides: [],
            betweenSides: nil,
            reference: reference,
            writtenOnSource: writtenOnSource
        )
    }

    package var isEqual: Bool {
        guard withinSides.isEmpty else { return false }
        return switch betweenSides {
        case nil, .alike: true
        case .newer, .ended, .differ: false
        }
    }

    /// - Parameters:
    ///   - seen: one for each replica, in their order.
    ///   - sides: the places of each side's replicas: one side, or source and destination.
    ///   - parent: the latest change of the parent's children on the destination; nil when it has no parent there.
    ///   - ignored: fields that may differ.
    package init(
        _ seen: [WholeNode?],
        sides: [[Int]],
        parent: Zxid?,
        ignoring ignored: Set<NodeField> = []
    ) {
        var within: [Difference] = []
        var references: [Int] = []
        for side in sides where !side.isEmpty {
            let reference = Self.reference(of: side, seen, ignored)
            references.append(reference)
            for place in side where place != reference {
                if let found = Self.difference(seen[place], seen[reference], [place], reference, ignored) {
                    within.append(found)
                }
            }
        }
        withinSides = within
        reference = references.last.flatMap { seen[$0] }
        if references.count == 2, sides.count == 2 {
            writtenOnSource = seen[references[0]].map { max($0.stat.czxid, $0.stat.mzxid) }
            betweenSides = Self.sides(
                (seen[references[0]], references[0]),
                (seen[references[1]], references[1]),
                sides[1],
                parent,
                ignored
            )
        } else {
            betweenSides = nil
            writtenOnSource = nil
        }
    }

    /// The place that shows what most of the side show; the first of these.
    private static func reference(
        of side: [Int],
        _ seen: [WholeNode?],
        _ ignored: Set<NodeField>
    ) -> Int {
        var best = (place: side[0], count: 0)
        for place in side {
            let count = side.count { isAlike(seen[$0], seen[place], ignored) }
            if count == side.count { return place }
            if count > best.count { best = (place, count) }
        }
        return best.place
    }

    private static func isAlike(
        _ left: WholeNode?,
        _ right: WholeNode?,
        _ ignored: Set<NodeField>
    ) -> Bool {
        switch (left, right) {
        case (nil, nil): true
        case (let left?, let right?):
            left == right || FieldDifference.fields(left, right, ignoring: ignored).isEmpty
        case (nil, _?), (_?, nil): false
        }
    }

    private static func difference(
        _ seen: WholeNode?,
        _ against: WholeNode?,
        _ replicas: [Int],
        _ reference: Int,
        _ ignored: Set<NodeField>
    ) -> Difference? {
        switch (seen, against) {
        case (nil, nil): return nil
        case (nil, _?): return Difference(kind: .missing, replicas: replicas, against: reference, fields: [])
        case (_?, nil): return Difference(kind: .extra, replicas: replicas, against: reference, fields: [])
        case (let seen?, let against?):
            let fields = FieldDifference.between(seen, against, ignoring: ignored)
            guard !fields.isEmpty else { return nil }
            return Difference(kind: .changed, replicas: replicas, against: reference, fields: fields)
        }
    }

    private static func sides(
        _ source: (node: WholeNode?, place: Int),
        _ destination: (node: WholeNode?, place: Int),
        _ replicas: [Int],
        _ parent: Zxid?,
        _ ignored: Set<NodeField>
    ) -> Sides {
        guard
            let found = difference(destination.node, source.node, replicas, source.place, ignored)
        else { return .alike(destination.node.map(\.latest)) }
        switch (source.node, destination.node) {
        case (nil, nil): return .alike(nil)
        case (nil, let node?):
            return node.stat.ephemeralOwner == nil ? .newer(found, since: node.stat.czxid) : .ended(found)
        case (_?, nil): return parent.map { .newer(found, since: $0) } ?? .differ(found)
        case (let old?, let new?): return changed(found, old, new)
        }
    }

    private static func changed(_ found: Difference, _ old: WholeNode, _ new: WholeNode) -> Sides {
        // Made anew on the destination: that explains all of it.
        if old.stat.czxid != new.stat.czxid { return .newer(found, since: new.stat.czxid) }
        var since: [Zxid] = []
        for field in found.fields.map(\.field) {
            switch field.dating {
            case .undated, .byCreation: return .differ(found)
            case .byModification:
                guard old.stat.mzxid != new.stat.mzxid else { return .differ(found) }
                since.append(new.stat.mzxid)
            case .byChildren:
                // The source lost children and made none: each that is gone is judged by itself.
                if old.created == new.created, old.stat.childCount < new.stat.childCount { continue }
                guard old.stat.pzxid != new.stat.pzxid else { return .differ(found) }
                since.append(new.stat.pzxid)
            }
        }
        guard let oldest = since.min() else { return .ended(found) }
        return .newer(found, since: oldest)
    }
}

extension WholeNode {
    /// The latest transaction that the node shows.
    fileprivate var latest: Zxid { max(stat.czxid, stat.mzxid, stat.pzxid) }
}
