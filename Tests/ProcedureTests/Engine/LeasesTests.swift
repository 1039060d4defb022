import ControlProtocol
import Fleet
import Synchronization
import SystemCalls
import Testing

@Suite("Leases of a run", .timeLimit(.minutes(10)))
struct LeasesTests {
    private struct Mistake: Error {}

    private enum Event: Hashable, Sendable {
        case renewalBegins
        case renewalEnds
        case released
    }

    /// Leases of one host, whose first renewal is under way when the body ends and takes a while longer.
    private static func events(whenBodyThrows: Bool) async throws -> [Event] {
        let events = Mutex<[Event]>([])
        let note: @Sendable (Event) -> Void = { event in events.withLock { $0.append(event) } }
        let (begun, hasBegun) = AsyncStream<Void>.makeStream()
        let (ended, mayEnd) = AsyncStream<Void>.makeStream()
        let fleet = ModelFleet(plan: try Fixture.plan(source: 3, destination: 3)) { call in
            switch call {
            case .release: note(.released)
            case .acquire:
                note(.renewalBegins)
                hasBegun.yield()
                // Like a reply that is on its way: the end of the task does not hurry it.
                await Task { for await _ in ended { return } }.value
                note(.renewalEnds)
            }
        }
        // Only the first renewal comes by itself; before a second one the end of the body is waited for.
        let naps = Mutex(0)
        let timing = Timing(
            now: { 0 },
            monotonic: { .zero },
            sleep: { _ in
                let nap = naps.withLock { count in
                    count += 1
                    return count
                }
                guard nap > 1 else { return await Task.yield() }
                do { try await Task.sleep(for: .seconds(3600)) } catch { return }
            }
        )
        let lease = Lease(runID: try #require(RunID("r")), epoch: FencingEpoch(1))
        let leases = Leases(hosts: [try #require(HostName("s1"))], fleet: fleet, timing: timing)
        do {
            try await leases.renewing(lease) {
                for await _ in begun { break }
                Task {
                    for _ in 0..<1000 { await Task.yield() }
                    mayEnd.yield()
                }
                if whenBodyThrows { throw Mistake() }
            }
        } catch is Mistake {}
        await leases.release(lease)
        return events.withLock { $0 }
    }

    @Test("the release waits until the renewal under way has ended", arguments: [false, true])
    func releaseAfterRenewal(whenBodyThrows: Bool) async throws {
        let events = try await Self.events(whenBodyThrows: whenBodyThrows)
        #expect(events == [.renewalBegins, .renewalEnds, .released])
    }
}
