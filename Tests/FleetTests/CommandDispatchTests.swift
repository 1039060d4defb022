import ControlProtocol
import Fleet
import Synchronization
import SystemCalls
import Testing

@Suite("Commands of one step", .timeLimit(.minutes(10)))
struct CommandDispatchTests {
    private let elapsed = Elapsed()
    private let said = Said()

    private func send(
        _ commands: [HostCommand],
        to fleet: ScriptedFleet,
        attempt: Int = 1
    ) async throws -> CommandDispatch.Answer {
        let dispatch = CommandDispatch(
            fleet: fleet,
            lease: try Sample.lease(),
            leaseSeconds: 60,
            timing: elapsed.timing,
            patience: .seconds(20)
        ) { [said] host, text in said.add("\(host): \(text)") }
        return await dispatch.send(commands, step: "join.start", attempt: attempt)
    }

    private static func ids(_ fleet: ScriptedFleet) -> [String] {
        fleet.calls.compactMap { call in
            if case .perform(_, let id) = call { id.description } else { nil }
        }
    }

    @Test("each host gets its own commands in their order, and every result is there")
    func order() async throws {
        let hosts = try Sample.hosts(3)
        let fleet = ScriptedFleet()
        let answer = try await send(Sample.commands(hosts + hosts), to: fleet)
        #expect(answer.failures.isEmpty)
        #expect(answer.results.mapValues(\.count) == [hosts[0]: 2, hosts[1]: 2, hosts[2]: 2])
        let ofFirst = Self.ids(fleet).filter { $0.hasSuffix("-s1") }
        #expect(ofFirst == ["run-1-join.start-1-0-s1", "run-1-join.start-1-3-s1"])
    }

    @Test("after a lost reply the same command id is sent again, until it is answered")
    func resending() async throws {
        let hosts = try Sample.hosts(1)
        let fleet = ScriptedFleet(perform: { host, number throws(FleetError) in
            if number == 1 { throw .replyLost(host: host, reason: "cable") }
            if number == 2 { throw .unreachable(host: host, reason: "cable") }
            return Sample.done
        })
        let answer = try await send(Sample.commands(hosts), to: fleet, attempt: 4)
        #expect(answer.results[hosts[0]] == [.service(report: Sample.report)])
        #expect(Self.ids(fleet) == Array(repeating: "run-1-join.start-4-0-s1", count: 3))
        #expect(
            said.lines == [
                "s1: s1: the connection to its agent was lost (cable); what was asked may have happened; "
                    + "asking again under the same command id",
                "s1: s1: its agent cannot be reached (cable); see that mitosis-agent runs and its port is open; "
                    + "asking again under the same command id",
            ]
        )
    }

    @Test("a lease that lapsed is asked for anew, and the command sent again")
    func lapsedLease() async throws {
        let hosts = try Sample.hosts(1)
        let fleet = ScriptedFleet(perform: { _, number throws(FleetError) in
            number == 1 ? .refused(refusal: .noLease) : Sample.done
        })
        let answer = try await send(Sample.commands(hosts), to: fleet)
        #expect(answer.failures.isEmpty)
        let request = LeaseRequest(lease: try Sample.lease(), secondsToLive: 60)
        let id = try #require(CommandID("run-1-join.start-1-0-s1"))
        #expect(
            fleet.calls == [.perform(hosts[0], id), .acquire(hosts[0], request), .perform(hosts[0], id)]
        )
        #expect(said.lines == ["s1: its lease had lapsed; asking again under the same command id"])
    }

    @Test("an agent that does not answer when its lapsed lease is renewed is asked again")
    func renewalLost() async throws {
        let hosts = try Sample.hosts(1)
        let renewals = Mutex(0)
        let fleet = ScriptedFleet(
            grant: { host, _ throws(FleetError) in
                let number = renewals.withLock { count in
                    count += 1
                    return count
                }
                if number == 1 { throw .unreachable(host: host, reason: "cable") }
            },
            perform: { _, _ throws(FleetError) in
                renewals.withLock { $0 } < 2 ? .refused(refusal: .noLease) : Sample.done
            }
        )
        let answer = try await send(Sample.commands(hosts), to: fleet)
        #expect(answer.failures.isEmpty)
        #expect(renewals.withLock { $0 } == 2)
    }

    @Test("a newer coordinator's lease ends it: the refusal comes back as such")
    func superseded() async throws {
        let hosts = try Sample.hosts(1)
        let refusal = Refusal.superseded(highest: FencingEpoch(9))
        let fleet = ScriptedFleet(
            grant: { host, _ throws(FleetError) in throw .refused(host: host, refusal: refusal) },
            perform: { _, _ throws(FleetError) in .refused(refusal: .noLease) }
        )
        let answer = try await send(Sample.commands(hosts), to: fleet)
        #expect(answer.failures == [.refused(host: hosts[0], refusal: refusal)])
        #expect(Self.ids(fleet).count == 1)
    }

    @Test("patience counts from the agent's last sign of life, and its end names the last hindrance")
    func patience() async throws {
        let hosts = try Sample.hosts(1)
        let fleet = ScriptedFleet(perform: { host, _ throws(FleetError) in
            throw .unreachable(host: host, reason: "cable")
        })
        let answer = try await send(Sample.commands(hosts), to: fleet)
        let last = FleetError.unreachable(host: hosts[0], reason: "cable")
        #expect(answer.failures == [.gaveUp(last, after: .seconds(20))])
        #expect(answer.failures.map(\.description) == ["\(last); gave up after 20.0 seconds"])
        #expect(elapsed.now == .seconds(20))
    }

    @Test("an agent that says without end that it is at it holds nobody up for ever, and is named")
    func ceiling() async throws {
        let hosts = try Sample.hosts(1)
        let elapsed = elapsed
        let fleet = ScriptedFleet(
            saying: { tell in
                await elapsed.timing.sleep(.seconds(15))
                tell(.progress(message: "still at it", milliseconds: 15_000))
            },
            perform: { host, _ throws(FleetError) in throw .replyLost(host: host, reason: "cable") }
        )
        let answer = try await send(Sample.commands(hosts), to: fleet)
        let last = FleetError.replyLost(host: hosts[0], reason: "cable")
        let ceiling = try #require(Sample.commands(hosts).first).command.ceiling
        #expect(answer.failures == [.gaveUp(last, after: ceiling)])
        #expect(elapsed.now >= ceiling && elapsed.now < ceiling + .seconds(20))
    }

    @Test("an agent that says more than anybody can read is told in part, and how much was left out")
    func flood() async throws {
        let hosts = try Sample.hosts(1)
        let elapsed = elapsed
        let fleet = ScriptedFleet(saying: { tell in
            for number in 1...1000 { tell(.progress(message: "part \(number)", milliseconds: 1)) }
            await elapsed.timing.sleep(.seconds(1))
            tell(.progress(message: "last", milliseconds: 2))
        })
        let answer = try await send(Sample.commands(hosts), to: fleet)
        #expect(answer.failures.isEmpty)
        #expect(said.lines.count == 21)
        #expect(Array(said.lines.prefix(20)) == (1...20).map { "s1: part \($0) (1 ms)" })
        #expect(said.lines.last == "s1: last (2 ms); 980 more came too fast to be told")
    }

    @Test("a lease that lapses again and again ends with the host's name")
    func lapsingForEver() async throws {
        let hosts = try Sample.hosts(1)
        let fleet = ScriptedFleet(perform: { _, _ throws(FleetError) in .refused(refusal: .noLease) })
        let answer = try await send(Sample.commands(hosts), to: fleet)
        #expect(
            answer.failures.map(\.description) == ["s1: its lease had lapsed; gave up after 20.0 seconds"]
        )
    }

    @Test("a failure ends its host's commands, keeps what was done there, and touches no other host")
    func failure() async throws {
        let hosts = try Sample.hosts(2)
        let fleet = ScriptedFleet(perform: { host, number throws(FleetError) in
            host == hosts[0] && number == 2 ? .failed(message: "no such unit") : Sample.done
        })
        let answer = try await send(Sample.commands(hosts + hosts + hosts), to: fleet)
        #expect(answer.failures == [.failed(host: hosts[0], reason: "no such unit")])
        #expect(answer.failures.map(\.description) == ["s1: no such unit"])
        #expect(answer.results.mapValues(\.count) == [hosts[0]: 1, hosts[1]: 3])
    }

    @Test("a name that makes no command id is told, and nothing is sent")
    func noCommandID() async throws {
        let fleet = ScriptedFleet()
        let dispatch = CommandDispatch(
            fleet: fleet,
            lease: try Sample.lease(),
            leaseSeconds: 60,
            timing: elapsed.timing,
            patience: .seconds(20)
        ) { _, _ in }
        let answer = await dispatch.send(Sample.commands(try Sample.hosts(1)), step: "a step", attempt: 1)
        #expect(answer.failures.map(\.description) == ["s1: 'run-1-a step-1-0-s1' is no command id"])
        #expect(fleet.calls.isEmpty)
    }
}

private final class Said: Sendable {
    private let texts = Mutex<[String]>([])

    var lines: [String] { texts.withLock { $0 } }

    func add(_ text: String) { texts.withLock { $0.append(text) } }
}
