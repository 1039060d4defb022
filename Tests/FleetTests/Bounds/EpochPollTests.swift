import ControlProtocol
import Fleet
import Testing

@Suite("Which of a fleet's epochs are believed")
struct EpochPollTests {
    private func poll(_ epochs: [UInt64]) throws -> EpochPoll {
        let told = zip(try Sample.hosts(epochs.count), epochs).map { ($0, FencingEpoch($1)) }
        return EpochPoll(Dictionary(uniqueKeysWithValues: told))
    }

    @Test(
        "the largest group that lies together is believed, of two as large the lower one",
        arguments: [
            ([5], 6, []), ([0, 0, 0], 1, []), ([7, 7, 9], 10, []), ([0, 999_999], 1_000_000, []),
            // A host that has missed very many runs, and a new one.
            ([900_000, 900_001, 0], 900_002, []),
            ([5, 9_007_199_254_740_991], 6, ["s2"]), ([9_007_199_254_740_991, 5], 6, ["s1"]),
            ([5, 5, 1_000_005], 6, ["s3"]), ([5, 5, 1_000_004], 1_000_005, []),
            // Several liars, of one mind or not.
            ([5, 6, 7, 4_000_000_000, 4_000_000_000], 8, ["s4", "s5"]),
            ([5, 6, 4_000_000_000, 8_000_000_000], 7, ["s3", "s4"]),
            ([5, 4_000_000_000, 8_000_000_000, 16_000_000_000], 6, ["s2", "s3", "s4"]),
            // Told to be far behind: nothing is taken from the others.
            ([2_000_000, 2_000_001, 3], 2_000_002, ["s3"]),
        ] as [([UInt64], UInt64, [String])]
    )
    func groups(epochs: [UInt64], next: UInt64, outliers: [String]) throws {
        let poll = try poll(epochs)
        #expect(try poll.next() == FencingEpoch(next))
        #expect(poll.outliers.map(\.host.description) == outliers)
        #expect(
            poll.outliers.allSatisfy {
                $0.description.contains("mitosis-agent lease reset --epoch \(next - 1)")
            }
        )
    }

    @Test("every honest agent takes the epoch that comes next, as far from it as it may be")
    func reach() throws {
        for epochs in [[0, 999_999], [1_000_004, 5, 5], [3, 3, 3]] as [[UInt64]] {
            let poll = try poll(epochs)
            let next = try poll.next()
            #expect(poll.outliers.isEmpty)
            for epoch in epochs {
                #expect(!next.isBeyondReach(of: FencingEpoch(epoch)) && next.value > epoch)
            }
        }
    }

    @Test("when the last epoch there is was granted, the host is named, and what to do there")
    func exhausted() throws {
        let poll = try poll([FencingEpoch.highest.value])
        let error = #expect(throws: FleetError.self) { try poll.next() }
        #expect(error?.host.description == "s1" && error?.description.contains("lease reset") == true)
    }

    @Test(
        "a run begins with no epoch that one host alone tells; the host, its epoch and the remedy are named"
    )
    func leases() async throws {
        let hosts = try Sample.hosts(3)
        let epochs: [UInt64] = [5, FencingEpoch.highest.value, 6]
        var statuses: [HostName: Observation] = [:]
        for (host, epoch) in zip(hosts, epochs) {
            statuses[host] = .status(try Sample.fullStatus("\(host)", epoch: epoch))
        }
        let leases = Leases(hosts: hosts, fleet: ScriptedFleet(statuses: statuses), timing: Elapsed().timing)
        let error = await #expect(throws: FleetError.self) { try await leases.nextEpoch() }
        #expect(error?.host == hosts[1])
        #expect(
            error?.description.contains("9007199254740991, more than 1000000 above the others' 6") == true
        )
        let others = Leases(
            hosts: [hosts[0], hosts[2]],
            fleet: ScriptedFleet(statuses: statuses),
            timing: Elapsed().timing
        )
        #expect(try await others.nextEpoch() == FencingEpoch(7))
    }
}
