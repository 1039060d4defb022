import Testing
import Topology

private func ids(_ range: ClosedRange<Int>) -> [ServerID] { range.compactMap { ServerID($0) } }

/// Every way to take `count` of `items`.
private func choices<Item>(of items: [Item], taking count: Int) -> [[Item]] {
    guard count > 0 else { return [[]] }
    guard let first = items.first else { return [] }
    let rest = Array(items.dropFirst())
    return choices(of: rest, taking: count - 1).map { [first] + $0 } + choices(of: rest, taking: count)
}

@Suite("Seed selection")
struct SeedSelectionTests {
    private static let sizes = [3, 5, 7, 9].flatMap { source in [3, 5, 7, 9].map { (source, $0) } }

    /// Whoever of them can be reached by whom, and whatever view a source node has.
    @Test(
        "beside two views, a majority of the source and a joint majority have a node in common, and one seed more would be too many",
        arguments: [3, 5, 7].flatMap { source in (2..<source).map { (source, $0) } }
    )
    func twoViews(_ size: (source: Int, seeds: Int)) {
        let (source, all) = (Set(ids(1...size.source)), size.source + size.seeds)
        let most = SeedSelection.mostBesideTwoViews(source: size.source, seeds: size.seeds)
        #expect((1..<size.seeds).contains(most), "there is one, and one to be held back")
        // A node that was restarted finds as many who follow the leader as it needs to do so, too.
        #expect(size.source - 1 + most >= Ensemble.majority(of: all))
        for (running, areApart) in [(most, false), (most + 1, true)] {
            let nodes = ids(1...(size.source + running))
            let quorums = choices(of: Array(source), taking: Ensemble.majority(of: size.source))
            let joint = Set(choices(of: nodes, taking: Ensemble.majority(of: all)).map { Set($0) })
            let found = quorums.contains { quorum in joint.contains { $0.isDisjoint(with: quorum) } }
            #expect(found == areApart, "\(size.source) and \(running) of \(size.seeds)")
        }
    }

    @Test("the seeds never outvote the source, and the first quorum holds every seed", arguments: sizes)
    func invariants(_ size: (source: Int, destination: Int)) throws {
        let source = ids(1...size.source)
        let destination = ids((size.source + 1)...(size.source + size.destination))
        let automatic = try SeedSelection.choose(source: source, destination: destination)
        let asked = try (2...automatic.seeds.count).flatMap { count in
            try choices(of: destination, taking: count).map {
                try SeedSelection.choose(source: source, destination: destination, requested: $0)
            }
        }
        for selection in [automatic] + asked {
            let joint = source.count + selection.seeds.count
            #expect(source.count * 2 > joint, "the source is a majority of the joint ensemble")
            #expect(selection.seeds.count * 2 <= joint, "the seeds are none")
            let started = selection.seeds + selection.companions
            #expect(Set(started + selection.dormant) == Set(destination))
            #expect(started.count + selection.dormant.count == destination.count)
            // Every set of started nodes that is a destination majority, not only the smallest.
            for count in 0...started.count where count * 2 > destination.count {
                for quorum in choices(of: started, taking: count) {
                    #expect(Set(quorum).isSuperset(of: selection.seeds))
                }
            }
            #expect(started.count * 2 > destination.count, "they can elect a leader at all")
        }
    }

    @Test("one more seed than chosen would break a limit", arguments: sizes)
    func asManyAsPossible(_ size: (source: Int, destination: Int)) throws {
        let source = ids(1...size.source)
        let destination = ids((size.source + 1)...(size.source + size.destination))
        let most = try SeedSelection.choose(source: source, destination: destination).seeds.count
        #expect(throws: SeedSelectionError.self) {
            let requested = Array(destination.prefix(most + 1))
            _ = try SeedSelection.choose(source: source, destination: destination, requested: requested)
        }
    }

    @Test("three and five: two seeds and one companion")
    func smallSource() throws {
        let selection = try SeedSelection.choose(source: ids(1...3), destination: ids(4...8))
        #expect(selection.seeds == ids(4...5))
        #expect(selection.companions == ids(6...6))
        #expect(selection.dormant == ids(7...8))
    }

    @Test("what cannot be divided safely is refused with the remedy")
    func refusals() throws {
        func refusal(_ source: [ServerID], _ destination: [ServerID], _ seeds: [ServerID]? = nil) -> String? {
            do throws(SeedSelectionError) {
                _ = try SeedSelection.choose(source: source, destination: destination, requested: seeds)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(
            refusal(ids(1...3), ids(4...7))?.contains("destination has 4 servers, an even number") == true
        )
        #expect(refusal(ids(1...4), ids(5...7))?.contains("source has 4 servers, an even number") == true)
        #expect(
            refusal(ids(1...1), ids(5...7))?.contains("source has 1 server, but needs at least 3") == true
        )
        #expect(refusal(ids(1...3), ids(3...5)) == "id 3 is used twice. Give every server an id of its own.")
        #expect(
            refusal(ids(4...6), ids(1...3))?.contains("destination id 1 is lower than source id 6") == true
        )
        #expect(
            refusal(ids(1...3), ids(4...8), ids(4...6))?.contains("3 seeds would outvote the source") == true
        )
        #expect(
            refusal(ids(1...5), ids(6...8), ids(6...8))?.contains("more than a destination majority of 2")
                == true
        )
        #expect(refusal(ids(1...3), ids(4...6), ids(4...4))?.contains("1 seed is too few") == true)
        #expect(refusal(ids(1...3), ids(4...6), ids(4...4) + ids(4...4))?.contains("listed twice") == true)
        #expect(refusal(ids(1...3), ids(4...6), ids(1...2))?.contains("Choose from 4, 5, 6.") == true)
    }

    @Test("observers have no vote")
    func observers() throws {
        let port = try #require(Port(2888))
        let members = ids(1...4).map { id in
            Member(
                id: id,
                address: "198.51.100.\(id)",
                quorumPort: port,
                electionPort: port,
                role: id.value == 4 ? .observer : .participant
            )
        }
        let ensemble = Ensemble(members)
        #expect(ensemble.majority == 2)
        #expect(ensemble.canLose == 1)
        #expect(ensemble.isQuorum(Set(ids(1...2))))
        #expect(!ensemble.isQuorum(Set(ids(3...4))))
        #expect(!Ensemble([]).isQuorum([]))
    }
}
