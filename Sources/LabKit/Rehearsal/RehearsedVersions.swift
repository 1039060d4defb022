internal import Rehearsals
internal import Topology

/// Which ZooKeeper each side of a rehearsal runs: the set-up's own where it is here, else the nearest.
struct RehearsedVersions: Sendable, Hashable {
    let pair: ZooKeeperPair
    let remarks: [String]

    init(of setup: RehearsedSetup, on machine: RehearsalMachine) throws(LabError) {
        let source = setup.source.lazy.compactMap { $0.version.flatMap { ZooKeeperVersion($0) } }.first
        // One that does not run yet says nothing: then both are taken to be the same.
        let destination =
            setup.destination.lazy.compactMap { $0.version.flatMap { ZooKeeperVersion($0) } }.first ?? source
        if let ownSource = machine.ownSource {
            pair = ZooKeeperPair()
            remarks = [
                Self.remark("source", source, ownSource, "ZOOKEEPER_HOME"),
                Self.remark(
                    "destination",
                    destination,
                    machine.ownDestination ?? ownSource,
                    "ZOOKEEPER_DESTINATION_HOME"
                ),
            ].compactMap(\.self)
            return
        }
        let here = machine.zooKeepers.compactMap { text in
            ZooKeeperVersion(text).map { (text: text, version: $0) }
        }
        guard let first = Self.nearest(to: source, among: here) else {
            throw .missing(
                program: "ZooKeeper",
                remedy: "apt-get install zookeeper, or let ZOOKEEPER_HOME name an unpacked one"
            )
        }
        let ofSource = Self.remark("source", source, first.text, "ZOOKEEPER_HOME")
        if let own = machine.ownDestination {
            pair = try ZooKeeperPair(source: first.text)
            let ofDestination = Self.remark("destination", destination, own, "ZOOKEEPER_DESTINATION_HOME")
            remarks = [ofSource, ofDestination].compactMap(\.self)
            return
        }
        // A destination that is older than its source is refused by every run.
        let newer = here.filter { $0.version >= first.version }
        let second = Self.nearest(to: destination ?? first.version, among: newer) ?? first
        pair = try ZooKeeperPair("\(first.text),\(second.text)")
        remarks = [
            ofSource,
            Self.remark("destination", destination, second.text, "ZOOKEEPER_DESTINATION_HOME"),
        ].compactMap(\.self)
    }

    /// The newest where nothing is wanted; of two that are as far away, the newer.
    private static func nearest(
        to wanted: ZooKeeperVersion?,
        among here: [(text: String, version: ZooKeeperVersion)]
    )
        -> (text: String, version: ZooKeeperVersion)?
    {
        guard let wanted else { return here.max { $0.version < $1.version } }
        // Patches of two branches cannot be compared.
        func distance(_ version: ZooKeeperVersion) -> (Int, Int, Int) {
            let minor = abs(version.minor - wanted.minor)
            let isOtherBranch = version.major != wanted.major || minor > 0
            return (
                abs(version.major - wanted.major), minor,
                isOtherBranch ? (version < wanted ? 1 : 0) : abs(version.patch - wanted.patch)
            )
        }
        return here.min { distance($0.version) < distance($1.version) }
    }

    private static func remark(
        _ side: String,
        _ wanted: ZooKeeperVersion?,
        _ here: String,
        _ variable: String
    ) -> String? {
        guard let wanted else { return "ZooKeeper \(here) on the \(side): its version was not seen" }
        guard ZooKeeperVersion(here) != wanted else { return nil }
        return
            "ZooKeeper \(here) in place of \(wanted) on the \(side): let \(variable) name an unpacked \(wanted)"
    }
}
