import ControlProtocol
import FoundationEssentials
import Glibc
import LabKit
import SystemCalls
import Testing

@testable import HostControl

@Suite("Programs that change rules on their own", .serialized)
struct RuleManagersTests {
    /// A process of that name, ended with the closure.
    private func with(_ name: String, _ launcher: [String] = [], _ body: (Int32) async throws -> Void)
        async throws
    {
        let scratch = try Scratch()
        try FileManager.default.copyItem(atPath: "/usr/bin/sleep", toPath: scratch(name))
        let pid = try RealZooKeeper.spawn(launcher + [scratch(name), "60"], log: "/dev/null")
        defer {
            var status: Int32 = 0
            kill(pid, SIGKILL)
            waitpid(pid, &status, 0)
        }
        try await body(pid)
    }

    @Test("a daemon is found by its name while it runs")
    func daemon() async throws {
        try await with("firewalld") { pid in
            let wanted = RuleManager(name: "firewalld", pid: pid)
            #expect(await eventually(within: .seconds(5)) { await RuleManagers().found().contains(wanted) })
        }
        #expect(await !RuleManagers().found().contains { $0.name == "firewalld" })
    }

    @Test("the answer is kept for a moment, not for longer")
    func memory() async throws {
        let managers = RuleManagers()
        #expect(await !managers.found().contains { $0.name == "kube-proxy" })
        try await with("kube-proxy") { pid in
            #expect(
                await eventually(within: .seconds(5)) { await managers.found().contains { $0.pid == pid } }
            )
        }
    }

    @Test("one in another network namespace is not the agent's business", .needsNamespaces)
    func elsewhere() async throws {
        try await FirewallBench.run { bench in
            let enter = [
                "/usr/bin/nsenter", "--net=/run/netns/\(bench.network.namespace(of: "walled"))", "--",
            ]
            try await with("dockerd", enter) { pid in
                #expect(
                    await eventually(within: .seconds(5)) {
                        KernelText.read("/proc/\(pid)/comm")?.trimmed == "dockerd"
                    }
                )
                #expect(await !RuleManagers().found().contains { $0.pid == pid })
            }
        }
    }
}
