import Topology

/// The transactions of a history, as ascending ranges that neither touch nor overlap.
struct ZxidSet: Hashable, Sendable {
    let ranges: [ZxidRange]

    /// Takes ranges in any order: a log may hold a transaction twice, and an older one behind a newer one.
    init(_ unordered: [ZxidRange]) {
        var joined: [ZxidRange] = []
        for range in unordered.sorted(by: { $0.first < $1.first }) {
            guard let previous = joined.last,
                range.first <= previous.last || range.first.follows(previous.last)
            else {
                joined.append(range)
                continue
            }
            joined[joined.count - 1] = ZxidRange(previous.first, through: max(previous.last, range.last))
        }
        ranges = joined
    }

    var last: Zxid? { ranges.last?.last }

    /// The newest transaction at or before `zxid`.
    func newest(upTo zxid: Zxid) -> Zxid? {
        ranges.last { $0.first <= zxid }.map { min($0.last, zxid) }
    }

    func contains(_ zxid: Zxid) -> Bool { newest(upTo: zxid) == zxid }

    /// What a history that holds `start` must hold between it and its newest transaction, and does not.
    ///
    /// A leader numbers the transactions of its epoch 1, 2, 3 and so on, failed requests included, and every server
    /// logs all of them; where an epoch ended cannot be told from the next one's beginning.
    func gaps(after start: Zxid) -> [ZxidRange] {
        var gaps: [ZxidRange] = []
        var previous = start
        for range in ranges where range.last > start {
            let expected =
                range.first.epoch == previous.epoch
                ? Zxid(previous.value &+ 1) : Zxid(epoch: range.first.epoch, counter: 1)
            if range.first > expected {
                gaps.append(ZxidRange(expected, through: Zxid(range.first.value - 1)))
            }
            previous = range.last
        }
        return gaps
    }

    /// The newest transaction of every epoch, those up to `start` left out.
    func epochEnds(after start: Zxid?) -> [Zxid] {
        var ends: [Zxid] = []
        for range in ranges where start.map({ range.last > $0 }) ?? true {
            if ends.last?.epoch == range.last.epoch { ends.removeLast() }
            ends.append(range.last)
        }
        return ends
    }
}

extension Zxid {
    /// Whether this is the number after the other's.
    fileprivate func follows(_ other: Zxid) -> Bool { value > 0 && value - 1 == other.value }
}
