import ControlProtocol
import Glibc
import Testing
import Topology

@testable import HostControl

/// A wall is tried on the real backend, in a namespace, and nothing of it stays.
@Suite("The rehearsal of a wall", .needsNamespaces, .serialized)
struct WallRehearsalTests {
    @Test(
        "every backend takes the text of a wall, and holds nothing afterwards",
        arguments: FirewallBackend.allCases
    )
    func accepted(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let text = try bench.firewall(backend).preview(FirewallBench.wall)
            try await WallRehearsal(backend: backend, launcher: bench.launcher).perform(text)
            #expect(try await bench.firewall(backend).installed().count == 0)
        }
    }

    @Test(
        "the rehearsal leaves a wall that stands, and other rules, as they are",
        arguments: FirewallBackend.allCases
    )
    func standing(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let firewall = bench.firewall(backend)
            _ = try await firewall.install(FirewallBench.wall)
            let before = try await bench.everything()
            let text = try firewall.preview(FirewallBench.wall)
            try await WallRehearsal(backend: backend, launcher: bench.launcher).perform(text)
            #expect(try await bench.everything() == before)
        }
    }

    @Test("what the backend does not take is told with its own words", arguments: FirewallBackend.allCases)
    func refused(backend: FirewallBackend) async throws {
        try await FirewallBench.run { bench in
            let text = try bench.firewall(backend).preview(FirewallBench.wall)
            let broken = text.replacing("3888", with: "38888888")
            try #require(broken != text)
            await #expect(throws: FirewallError.self) {
                try await WallRehearsal(backend: backend, launcher: bench.launcher).perform(broken)
            }
        }
    }

    @Test("a lock that another program holds is told as that")
    func locked() async throws {
        try await FirewallBench.run { bench in
            let text = try bench.firewall(.iptablesLegacy).preview(FirewallBench.wall)
            let holder = try RealZooKeeper.spawn(
                [
                    "/usr/bin/python3", "-c",
                    """
                    import fcntl, time
                    with open("/run/xtables.lock", "a") as lock:
                        fcntl.flock(lock, fcntl.LOCK_EX)
                        time.sleep(8)
                    """,
                ],
                log: "/dev/null"
            )
            defer { end(holder) }
            let isTold = await eventually(within: .seconds(8)) {
                do throws(FirewallError) {
                    try await WallRehearsal(backend: .iptablesLegacy, launcher: bench.launcher).perform(text)
                    return false
                } catch .lockTimeout {
                    return true
                } catch {
                    return false
                }
            }
            #expect(isTold)
        }
    }

    private func end(_ pid: Int32) {
        var status: Int32 = 0
        kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
    }
}
