import AgentClient
import Synchronization
import Testing

@testable import AgentServer

@Suite("Looks that many share", .timeLimit(.minutes(10)))
struct CommonLookTests {
    /// Looks that end when they are told to; each gives its number.
    private final class Looks: Sendable {
        private struct State {
            var begun = 0
            var open: [Int: CheckedContinuation<Void, Never>] = [:]
            var ended: Set<Int> = []
        }

        private let state = Mutex(State())

        var begun: Int { state.withLock { $0.begun } }

        func next() async -> Int {
            let number = state.withLock { state in
                state.begun += 1
                return state.begun
            }
            await withCheckedContinuation { resume in
                let isEnded = state.withLock { state in
                    if !state.ended.contains(number) { state.open[number] = resume }
                    return state.ended.contains(number)
                }
                if isEnded { resume.resume() }
            }
            return number
        }

        func end(_ number: Int) {
            let open = state.withLock { state in
                state.ended.insert(number)
                return state.open.removeValue(forKey: number)
            }
            open?.resume()
        }
    }

    @Test("whoever only watches joins a look that is under way, or gets one that is not old")
    func recent() async {
        let looks = Looks()
        let look = CommonLook(age: .seconds(3600)) { await looks.next() }
        let asking = (0..<50).map { _ in Task { @MainActor in await look.value(.recent) } }
        await MainActor.run {}
        looks.end(1)
        for task in asking { #expect(await task.value == 1) }
        #expect(await look.value(.recent) == 1)
        #expect(looks.begun == 1)
        looks.end(2)
        #expect(await look.value(.now) == 2)
        #expect(await look.value(.recent) == 2)
    }

    @Test("what is too old is looked at anew")
    func old() async {
        let looks = Looks()
        let look = CommonLook(age: .zero) { await looks.next() }
        looks.end(1)
        looks.end(2)
        #expect(await look.value(.recent) == 1)
        #expect(await look.value(.recent) == 2)
    }

    @Test(
        "whoever wants to see what is so now is told of a look that began after its question, and shares it"
    )
    func now() async {
        let looks = Looks()
        let look = CommonLook { await looks.next() }
        let first = Task { await look.value(.now) }
        while looks.begun < 1 { await Task.yield() }
        let second = Task { await look.value(.now) }
        while looks.begun < 2 { await Task.yield() }
        // Two are under way: all who come now share the next.
        let others = (0..<50).map { _ in Task { @MainActor in await look.value(.now) } }
        await MainActor.run {}
        looks.end(3)
        #expect(looks.begun == 2)
        looks.end(1)
        for task in others { #expect(await task.value == 3) }
        looks.end(2)
        #expect(await first.value == 1)
        #expect(await second.value == 2)
        #expect(looks.begun == 3)
    }

    @Test("however many viewers ask, one look a second is taken of the host")
    func viewers() async throws {
        try await TestAgent.with { agent in
            let before = agent.host.looks
            let viewers = try (0..<8).map { try agent.client("viewer/v\($0)") }
            let begin = ContinuousClock.now
            for _ in 0..<3 { for viewer in viewers { _ = try await viewer.status() } }
            let passed = begin.duration(to: .now).components.seconds
            #expect(agent.host.looks - before <= 2 + Int(passed))
            // A coordinator sees what is so now.
            let known = agent.host.looks
            for _ in 0..<5 { _ = try await agent.client().status() }
            #expect(agent.host.looks == known + 5)
        }
    }
}
