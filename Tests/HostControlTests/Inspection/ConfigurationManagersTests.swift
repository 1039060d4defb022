import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls
import Testing

@testable import HostControl

@Suite("Programs that take changes back", .serialized)
struct ConfigurationManagersTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func names() async -> [String] {
        await ConfigurationManagers(root: scratch("root")).found().filter { $0.pid == nil }.map(\.name)
    }

    private func found(_ path: String, _ content: String) async throws -> [String] {
        let folder = scratch("root/\(path.split(separator: "/").dropLast().joined(separator: "/"))")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try scratch.file("root/\(path)", Array(content.utf8))
        return await names()
    }

    /// A process that was started so, ended after the closure.
    private func with(_ argv: [String], _ body: (Int32) async -> Void) async throws {
        let pid = try RealZooKeeper.spawn(argv, log: "/dev/null")
        defer {
            var status: Int32 = 0
            kill(pid, SIGKILL)
            waitpid(pid, &status, 0)
        }
        await body(pid)
    }

    private func isSeen(_ name: String, _ pid: Int32) async -> Bool {
        await eventually(within: .seconds(10)) {
            await ConfigurationManagers().found().contains(RuleManager(name: name, pid: pid))
        }
    }

    @Test("a daemon is found by the name of its process, or by the script that an interpreter runs")
    func processes() async throws {
        try FileManager.default.copyItem(atPath: "/usr/bin/sleep", toPath: scratch("cf-execd"))
        try await with([scratch("cf-execd"), "60"]) { #expect(await isSeen("cf-execd", $0)) }
        try scratch.file("salt-minion", Array("import time\ntime.sleep(60)\n".utf8))
        try await with(["/usr/bin/python3", "-B", scratch("salt-minion"), "-d"]) {
            #expect(await isSeen("salt-minion", $0))
        }
        // An argument is no script.
        try await with(["/usr/bin/python3", "-c", "import time; time.sleep(60)", "/usr/bin/salt-minion"]) {
            pid in
            #expect(
                await eventually(within: .seconds(10)) {
                    KernelText.read("/proc/\(pid)/cmdline")?.isEmpty == false
                }
            )
            #expect(await !ConfigurationManagers().found().contains { $0.pid == pid })
        }
    }

    @Test("active timers and tables of cron are found by what they start")
    func clocks() async throws {
        #expect(await names() == [])
        #expect(
            try await found("run/systemd/units/invocation:ansible-pull@site.timer", "") == [
                "ansible-pull@site.timer"
            ]
        )
        #expect(
            try await found("run/systemd/units/invocation:puppet.service", "") == ["ansible-pull@site.timer"]
        )
        let table = "# */30 * * * * root puppet agent -t\n0 3 * * * puppet /usr/bin/tidy\n"
        #expect(try await found("etc/cron.d/reports", table) == ["ansible-pull@site.timer"])
        let line = "*/30 * * * * root cd /tmp && sleep 5; /opt/puppetlabs/bin/puppet agent --onetime\n"
        #expect(
            try await found("etc/cron.d/reports", table + line)
                == ["ansible-pull@site.timer", "puppet agent in /etc/cron.d/reports"]
        )
        #expect(
            try await found("var/spool/cron/crontabs/root", "@hourly \"/usr/local/bin/ansible-pull\" -U x\n")
                .last
                == "ansible-pull in /var/spool/cron/crontabs/root"
        )
        #expect(
            try await found("etc/cron.daily/chef", "#!/bin/sh\nexec chef-client --once\n")
                .contains("chef-client in /etc/cron.daily/chef")
        )
    }

    @Test("a puppet that was disabled changes nothing; what is no file, or too large, is passed over")
    func passedOver() async throws {
        #expect(try await found("etc/cron.d/empty", "") == [])
        #expect(
            try await found("etc/crontab", "1 * * * * root puppet agent -t\n") == [
                "puppet agent in /etc/crontab"
            ]
        )
        let lock = "opt/puppetlabs/puppet/cache/state/agent_disabled.lock"
        #expect(try await found(lock, "{\"disabled_message\":\"mitosis\"}") == [])
        // What applies a manifest asks nobody.
        let apply = "@daily root puppet apply /etc/site.pp\n"
        #expect(try await found("etc/cron.d/site", apply) == ["puppet apply in /etc/cron.d/site"])
        #expect(try await found("etc/cron.d/site", "") == [])
        try scratch.file("root/etc/cron.d/large", Array(repeating: UInt8(ascii: "x"), count: 300_000))
        #expect(mkfifo(scratch("root/etc/cron.d/pipe"), 0o600) == 0)
        #expect(await names() == [])
    }
}
