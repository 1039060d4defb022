package import Settings
package import Topology

/// What it means to go from one version of ZooKeeper to another in one division.
package struct VersionPair: Hashable, Sendable {
    package enum Meaning: Hashable, Sendable {
        /// Divisions of both these minor versions, with this strategy, are in the matrix.
        case seen
        /// Not this one, but ones on both sides of it.
        case between
        case untried
        /// The destination is an older release of the same minor version.
        case olderRelease
        /// The destination is older: the source writes what it cannot read.
        case backwards
    }

    package let source: ZooKeeperVersion
    package let destination: ZooKeeperVersion
    package let strategy: MigrationPlan.Strategy

    package init(
        source: ZooKeeperVersion,
        destination: ZooKeeperVersion,
        strategy: MigrationPlan.Strategy
    ) {
        self.source = source
        self.destination = destination
        self.strategy = strategy
    }

    /// Those of the matrix that passed: bench/matrix writes them.
    package static let seen = read(String(decoding: PackageResources.seen_pairs_txt, as: UTF8.self))

    /// A line a pair: source, destination, strategy.
    package static func read(_ text: String) -> [VersionPair] {
        text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 3, let source = ZooKeeperVersion(words[0]),
                let destination = ZooKeeperVersion(words[1]),
                let strategy = MigrationPlan.Strategy(rawValue: words[2])
            else { return nil }
            return VersionPair(source: source, destination: destination, strategy: strategy)
        }
    }

    package func meaning(among seen: [VersionPair] = Self.seen) -> Meaning {
        guard destination.minorNumber >= source.minorNumber else { return .backwards }
        if destination.minorNumber == source.minorNumber, destination < source {
            return destination.isBeforeStable ? .backwards : .olderRelease
        }
        let alike = seen.filter { $0.strategy == strategy }
        let pairs = alike.map { ($0.source.minorNumber, $0.destination.minorNumber) }
        if pairs.contains(where: { $0 == (source.minorNumber, destination.minorNumber) }) { return .seen }
        let isBetween = { (number: Int, known: [Int]) in
            known.contains { $0 <= number } && known.contains { $0 >= number }
        }
        return isBetween(source.minorNumber, pairs.map(\.0))
            && isBetween(destination.minorNumber, pairs.map(\.1))
            ? .between : .untried
    }

    package var sentence: String {
        let way =
            source == destination ? "ZooKeeper \(source) stays" : "ZooKeeper \(source) becomes \(destination)"
        switch meaning() {
        case .seen: return "\(way): seen in the matrix, see docs/versions.md"
        case .between: return "\(way): not tried with \(strategy.rawValue), versions before and after it were"
        case .untried: return "\(way): never tried with \(strategy.rawValue)"
        case .olderRelease:
            return
                "\(way), an older release: never tried, and what was mended since is not mended on the destination"
        case .backwards: return "\(way), an older version, which cannot read all that a newer one writes"
        }
    }
}

extension ZooKeeperVersion {
    /// Of 3.5, releases before 3.5.5 were alphas and betas, which changed what is written.
    fileprivate var isBeforeStable: Bool {
        (ZooKeeperVersion(3, 5, 0)..<ZooKeeperVersion(3, 5, 5)).contains(self)
    }

    /// 3.8 is 3008.
    fileprivate var minorNumber: Int {
        major.multipliedReportingOverflow(by: 1000).partialValue.addingReportingOverflow(minor).partialValue
    }
}
