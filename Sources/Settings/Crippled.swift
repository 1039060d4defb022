#if CRIPPLED_FRESHNESS || CRIPPLED_WALLS || CRIPPLED_SEEDS || CRIPPLED_CHECKS
    private import Glibc
    package import Topology

    #if !DEBUG
        #error("a crippled build loses writes: it is never optimised, so that none is ever shipped")
    #endif

    /// Builds that lack what keeps writes, to see that the fault matrix notices (docs/faults.md).
    ///
    /// CRIPPLED_FRESHNESS: every destination node counts as the freshest, and nobody asks what the leader holds.
    /// CRIPPLED_WALLS: walls are put up, acknowledged and read back, and hold nobody off; nobody tries them.
    /// CRIPPLED_SEEDS: all seeds run while the source is rolled.
    /// CRIPPLED_CHECKS: the preflight's check that MITOSIS_WITHOUT_CHECK names passes, whatever is there (bench/mutants).
    package enum Crippled {
        /// In place of what a gate has seen; `deploy/build-release` looks for it in what is shipped.
        package static let word = "not looked at: this is a crippled build"

        /// Not a constant, so that what follows does not count as code that is never run.
        package static var isBlind: Bool { true }

        package static func lacks(check name: CheckName) -> Bool {
            getenv("MITOSIS_WITHOUT_CHECK").map { String(cString: $0) } == name.rawValue
        }

        /// An address beside each peer, which agents allow and no host of a lab has.
        package static func nobody(for peers: [IPAddress]) -> [IPAddress] {
            peers.compactMap { IPAddress(bytes: $0.bytes.dropLast() + [254]) }
        }
    }
#endif
