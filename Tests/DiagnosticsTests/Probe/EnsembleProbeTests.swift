import Diagnostics
import Logs
import Procedure
import SystemCalls
import Testing
import Topology
import ZooKeeperClient

@Suite(
    "a probe of a real ensemble",
    .serialized,
    .enabled(if: ServerGroup.isInstalled, "ZooKeeper or Java is not installed"),
    .timeLimit(.minutes(10))
)
struct EnsembleProbeTests {
    @Test("it writes, says for how long nobody answered, goes on afterwards, and leaves no node")
    func outage() async throws {
        let group = try ServerGroup(1)
        defer { withExtendedLifetime(group) {} }
        await (try await group.session()).close()
        var options = EnsembleProbe.Options()
        (options.pause, options.interval) = (.milliseconds(20), .milliseconds(100))
        let probe = EnsembleProbe(
            .source,
            of: try #require(ConnectString("127.0.0.1:\(group.ports[0])")),
            plan: "model",
            options: options,
            timing: .system,
            log: .silent
        )
        let (samples, feed) = AsyncStream<ProbeSample>.makeStream()
        let watch = Task { await probe.watch { feed.yield($0) } }
        defer { watch.cancel() }
        var seen = samples.makeAsyncIterator()
        func next(where holds: (ProbeSample) -> Bool) async -> ProbeSample? {
            while let sample = await seen.next(isolation: #isolation) { if holds(sample) { return sample } }
            return nil
        }
        let first = try #require(await next { $0.writes > 1 })
        let node = "/mitosis-probe-model-source"
        let session = try await group.session()
        #expect(try await session.exists(node)?.ephemeralOwner != nil)
        await session.close()

        group.stop(0)
        let silent = try #require(await next { $0.writes == 0 && $0.gap > 1000 })
        #expect(silent.unavailableSince.map { $0 >= first.at - 2000 } == true)
        try group.start(0)
        // Counted to its end, in the interval in which it ended.
        let back = try #require(await next { $0.writes > 0 && $0.gap > 1000 })
        #expect(back.gap >= silent.gap && back.unavailableSince == nil)
        #expect(try #require(back.zxid) > (try #require(first.zxid)))

        watch.cancel()
        await watch.value
        let after = try await group.session()
        #expect(try await after.exists(node) == nil)
        await after.close()
    }
}
