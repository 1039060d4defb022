/// Which destination nodes join the source's ensemble before the division, and in what order the rest follow.
///
/// A division must never let the destination start without the newest write (I2), and must never let the joiners
/// outvote the source (I3, and trap 2: empty voters that form a quorum of their own). With S source and D
/// destination nodes:
///
/// - *Seeds* join the source. They are at most S - 1, so that the source nodes alone are a majority of the joint
///   ensemble and the seeds alone are not; and at most a destination majority, because with more of them
///   a destination quorum could form without the one seed that has the newest write.
/// - *Companions* are dormant nodes that make the seeds up to a destination majority when the source is too
///   small to admit as many seeds (3+5: two seeds, one companion). They start at the division together with the
///   seeds. Seeds and companions are exactly a majority, so the first quorum needs every one of them and hence
///   contains the freshest seed.
/// - *Dormant* nodes start only once that quorum has a leader that serves.
package struct SeedSelection: Hashable, Sendable, Codable {
    package let seeds: [ServerID]
    package let companions: [ServerID]
    package let dormant: [ServerID]

    /// No choice at all: every destination node joins, as observers do.
    package static func everyone(_ destination: [ServerID]) -> SeedSelection {
        SeedSelection(seeds: destination, companions: [], dormant: [])
    }

    /// The most seeds that these sizes allow.
    package static func most(source: Int, destination: Int) -> Int {
        min(Ensemble.majority(of: destination), source - 1)
    }

    /// How many seeds may run beside source nodes of which some run the source's view and others the joint one.
    ///
    /// A majority of the source and a joint majority then have a node in common, whoever crashes, restarts or is cut off: two leaders that
    /// both commit are impossible (I1). With all seeds running they are not: of 3 + 2, one source node and both seeds are a joint majority,
    /// and the two other source nodes a majority of the source.
    package static func mostBesideTwoViews(source: Int, seeds: Int) -> Int {
        let outsideMajority = source - Ensemble.majority(of: source)
        return min(seeds, Ensemble.majority(of: source + seeds) - 1 - outsideMajority)
    }

    /// Takes the requested seeds, or else the first destination nodes in the order given.
    package static func choose(
        source: [ServerID],
        destination: [ServerID],
        requested: [ServerID]? = nil
    ) throws(SeedSelectionError) -> SeedSelection {
        try checkSizes(source, destination)
        try checkIDs(source, destination)
        if let requested { try check(requested, source, destination) }
        let most = most(source: source.count, destination: destination.count)
        let seeds = requested ?? Array(destination.prefix(most))
        let rest = destination.filter { !seeds.contains($0) }
        let missing = Ensemble.majority(of: destination.count) - seeds.count
        return SeedSelection(
            seeds: seeds,
            companions: Array(rest.prefix(missing)),
            dormant: Array(rest.dropFirst(missing))
        )
    }

    private static func checkSizes(
        _ source: [ServerID],
        _ destination: [ServerID]
    ) throws(SeedSelectionError) {
        for (side, ids) in [(EnsembleSide.source, source), (.destination, destination)] {
            if let problem = sizeProblem(side, count: ids.count) { throw problem }
        }
    }

    /// Nil for the sizes that can be divided: odd, and at least three.
    package static func sizeProblem(_ side: EnsembleSide, count: Int) -> SeedSelectionError? {
        guard count >= 3 else { return .tooSmall(side, count: count) }
        return count.isMultiple(of: 2) ? .even(side, count: count) : nil
    }

    private static func checkIDs(
        _ source: [ServerID],
        _ destination: [ServerID]
    ) throws(SeedSelectionError) {
        var seen: Set<ServerID> = []
        for id in source + destination {
            guard seen.insert(id).inserted else { throw .repeatedID(id) }
        }
        guard let highest = source.max() else { return }
        for id in destination where id < highest {
            throw .lowDestinationID(id, highestSource: highest)
        }
    }

    private static func check(
        _ seeds: [ServerID],
        _ source: [ServerID],
        _ destination: [ServerID]
    ) throws(SeedSelectionError) {
        var seen: Set<ServerID> = []
        for seed in seeds {
            guard destination.contains(seed) else { throw .notInDestination(seed, known: destination) }
            guard seen.insert(seed).inserted else { throw .repeatedSeed(seed) }
        }
        guard seeds.count >= 2 else { throw .tooFewSeeds(seeds.count) }
        guard seeds.count < source.count else {
            throw .outvotesSource(seeds: seeds.count, source: source.count)
        }
        let majority = Ensemble.majority(of: destination.count)
        guard seeds.count <= majority else {
            throw .moreThanMajority(seeds: seeds.count, majority: majority)
        }
    }
}

package enum EnsembleSide: String, Hashable, Sendable, Codable {
    case source
    case destination
}

/// Why two ensembles cannot be divided safely.
package enum SeedSelectionError: Error, Hashable, Sendable, CustomStringConvertible {
    case tooSmall(EnsembleSide, count: Int)
    case even(EnsembleSide, count: Int)
    case repeatedID(ServerID)
    case lowDestinationID(ServerID, highestSource: ServerID)
    case notInDestination(ServerID, known: [ServerID])
    case repeatedSeed(ServerID)
    case tooFewSeeds(Int)
    case outvotesSource(seeds: Int, source: Int)
    case moreThanMajority(seeds: Int, majority: Int)

    package var description: String {
        switch self {
        case .tooSmall(let side, let count):
            "the \(side.rawValue) has \(count) \(count == 1 ? "server" : "servers"), but needs at least 3 "
                + "to stay available while one of them restarts. List all of its servers."
        case .even(let side, let count):
            "the \(side.rawValue) has \(count) servers, an even number, which tolerates no more failures than "
                + "\(count - 1). Use an odd number."
        case .repeatedID(let id): "id \(id) is used twice. Give every server an id of its own."
        case .lowDestinationID(let id, let highest):
            "destination id \(id) is lower than source id \(highest): a lower id cannot keep an election "
                + "connection open to a higher one. Give the destination ids above \(highest)."
        case .notInDestination(let id, let known):
            "seed \(id) is not a destination server. Choose from "
                + "\(known.map(\.description).joined(separator: ", "))."
        case .repeatedSeed(let id): "seed \(id) is listed twice. Remove one."
        case .tooFewSeeds(let count):
            "\(count) \(count == 1 ? "seed is" : "seeds are") too few: clients need two servers to survive "
                + "a restart of one. Choose at least 2, or leave 'seeds' out."
        case .outvotesSource(let seeds, let source):
            "\(seeds) seeds would outvote the source: \(source) servers must stay a majority of "
                + "\(source + seeds). Choose at most \(source - 1) seeds, or leave 'seeds' out."
        case .moreThanMajority(let seeds, let majority):
            "\(seeds) seeds are more than a destination majority of \(majority), so that a quorum could form "
                + "without the newest write. Choose at most \(majority), or leave 'seeds' out."
        }
    }
}
