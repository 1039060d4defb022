import Settings
import Synchronization
import SystemCalls
import TestSupport
import Testing

@testable import Commands

@Suite("Who looks for the live view", .timeLimit(.minutes(10)))
struct LiveLookersTests {
    /// Works that take their time to close what they hold open.
    private final class Work: Sendable {
        private let state = Mutex<[String]>([])
        private let changes = AsyncStream<Void>.makeStream()

        var log: [String] { state.withLock { $0 } }

        func note(_ line: String) {
            state.withLock { $0.append(line) }
            changes.continuation.yield()
        }

        func perform(_ name: String) async {
            note("\(name) began")
            let never = AsyncStream<Void>.makeStream()
            for await _ in never.stream {}
            never.continuation.finish()
            for _ in 1...1000 { await Task.yield() }
            note("\(name) closed")
        }

        func has(_ count: Int) async {
            for await _ in changes.stream where log.count >= count { return }
        }
    }

    @Test("who begins anew waits for the one before to have closed, and at the end all have")
    func turns() async {
        let (lookers, work) = (LiveLookers(patience: .seconds(60)), Work())
        lookers.begin([{ await work.perform("first") }])
        await work.has(1)
        lookers.end()
        lookers.begin([{ await work.perform("second") }])
        await work.has(3)
        await lookers.close()
        #expect(work.log == ["first began", "first closed", "second began", "second closed"])
    }

    @Test("work that does not end is left behind when it has had its time")
    func stuck() async {
        let lookers = LiveLookers(patience: .milliseconds(10))
        let (gate, opened) = AsyncStream<Void>.makeStream()
        // Heeds no cancellation.
        let stuck = Task { for await _ in gate {} }
        lookers.begin([{ await stuck.value }])
        await lookers.close()
        opened.finish()
        await stuck.value
        await lookers.close()
    }

    @Test("within the window hosts are looked at every ten seconds instead of every two")
    func window() async throws {
        let fixture = try RunFixture()
        let timing = fixture.clock.timing
        let looks = LiveLooks(hosts: fixture.plan.agents.map(\.host), fleet: fixture.fleet)
        let times = Mutex<[Duration]>([])
        let work = Task {
            await looks.work(timing: timing) {
                timing.monotonic() > .seconds(2) && timing.monotonic() < .seconds(13)
            } seen: { _ in
                times.withLock { $0.append(timing.monotonic()) }
            }
        }
        for _ in 1...8 { await fixture.clock.advance(by: .seconds(2)) }
        #expect(times.withLock { $0.prefix(4) } == [.seconds(0), .seconds(2), .seconds(12), .seconds(14)])
        work.cancel()
        await work.value
    }
}
