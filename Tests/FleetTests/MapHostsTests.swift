import ControlProtocol
import Fleet
import Synchronization
import Testing

@Suite("Many hosts, asked so many at a time", .timeLimit(.minutes(10)))
struct MapHostsTests {
    private static let hosts = (0..<300).compactMap { HostName("host-with-a-long-name-\($0)") }

    @Test("every answer stands where its question stood", arguments: [0, 1, 7, 128, 1000])
    func order(width: Int) async {
        let answers = await mapHosts(Array(0..<300), width: width) { number in
            for _ in 0..<(number % 5) { await Task.yield() }
            return "\(number)"
        }
        #expect(answers == (0..<300).map(String.init))
    }

    @Test(
        "no more hosts are asked at a time than the width, and as many as it allows",
        arguments: [1, 5, 128]
    )
    func width(width: Int) async {
        let gate = Gathering()
        // Nobody answers before as many have been asked as may be.
        let answers = await mapHosts(Self.hosts, width: width) { host in
            await gate.come(upTo: width)
            return host
        }
        #expect(answers == Self.hosts)
        #expect(gate.most == width)
    }

    @Test("a host that does not answer keeps none of the others from being asked")
    func slowHost() async {
        let (answered, continuation) = AsyncStream<Void>.makeStream()
        let count = Mutex(0)
        let answers = await mapHosts(Self.hosts, width: 3) { host in
            if host == Self.hosts[0] {
                // Answers only when all others have.
                for await _ in answered {}
            } else {
                let all = count.withLock { count in
                    count += 1
                    return count == Self.hosts.count - 1
                }
                if all { continuation.finish() }
            }
            return host
        }
        #expect(answers == Self.hosts)
    }

    @Test("cancellation reaches the questions under way and those still to come; each has its answer")
    func cancellation() async {
        let (begun, beginning) = AsyncStream<Void>.makeStream()
        let task = Task {
            await mapHosts(Self.hosts, width: 4) { _ in
                beginning.yield()
                do {
                    try await Task.sleep(for: .seconds(3600))
                    return false
                } catch {
                    return true
                }
            }
        }
        for await _ in begun { break }
        task.cancel()
        #expect(await task.value == Array(repeating: true, count: Self.hosts.count))
    }

    @Test("of no hosts there is no answer")
    func none() async {
        let answers = await mapHosts([HostName]()) { _ in
            Issue.record("somebody was asked")
        }
        #expect(answers.isEmpty)
        #expect(await mapHosts([HostName: Int]()) { _, number in number }.isEmpty)
    }

    @Test("an answer that is nothing is an answer")
    func nothing() async {
        let answers = await mapHosts(Array(0..<10)) { number -> Int? in number % 2 == 0 ? number : nil }
        #expect(answers == [0, nil, 2, nil, 4, nil, 6, nil, 8, nil])
    }

    @Test("every host is there with its own answer or its own error", arguments: [1, 7, 128, 1000])
    func byHost(width: Int) async {
        let questions = Dictionary(uniqueKeysWithValues: zip(Self.hosts, Self.hosts.indices))
        let answers = await mapHosts(questions, width: width) { host, number throws(FleetError) -> String in
            for _ in 0..<(number % 4) { await Task.yield() }
            if number.isMultiple(of: 3) { throw .unreachable(host: host, reason: "\(number)") }
            return "\(host) \(number)"
        }
        let expected = questions.map { host, number -> (HostName, Result<String, FleetError>) in
            number.isMultiple(of: 3)
                ? (host, .failure(.unreachable(host: host, reason: "\(number)")))
                : (host, .success("\(host) \(number)"))
        }
        #expect(answers == Dictionary(uniqueKeysWithValues: expected))
    }
}

/// Lets everybody go once so many have come, and nobody before.
private final class Gathering: Sendable {
    private struct State {
        var present = 0
        var most = 0
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var most: Int { state.withLock { $0.most } }

    func come(upTo count: Int) async {
        await withCheckedContinuation { continuation in
            let released = state.withLock { state -> [CheckedContinuation<Void, Never>] in
                state.present += 1
                state.most = max(state.most, state.present)
                state.waiting.append(continuation)
                if state.present == count { state.isOpen = true }
                guard state.isOpen else { return [] }
                let all = state.waiting
                state.waiting = []
                return all
            }
            for one in released { one.resume() }
        }
        state.withLock { $0.present -= 1 }
    }
}
