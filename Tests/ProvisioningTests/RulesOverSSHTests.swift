import ControlProtocol
import Fleet
import FoundationEssentials
import Glibc
import Settings
import TestSupport
import Testing

@testable import Provisioning

/// An ssh of the test's own, which says what a host would.
@Suite("Rules over ssh", .timeLimit(.minutes(10)))
struct RulesOverSSHTests {
    private static let report =
        #"{"clock":7,"lease":{"highestEpoch":3},"rules":{"backend":"nftables","count":2,"counters":[],"#
        + #""isWatched":false,"listing":"ip saddr 198.51.100.2 reject","restored":0}}"#

    private static func asked(_ folder: TemporaryFolder) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: folder.path + "/asked")), as: UTF8.self)
    }

    private static func over(
        _ script: String,
        ssh settings: String = "{user: ops, sudo: true}",
        password: String? = nil,
        _ body: (RulesOverSSH, HostName, TemporaryFolder) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let text = """
            version: 1
            name: fleet
            pki: {directory: pki, coordinator: ops, trust_domain: example}
            defaults: {ssh: \(settings)}
            hosts:
            - {host: s1, address: 198.51.100.1}

            """
        let inventory = try FleetFile.read(path: try folder.write(text, to: "i.yaml")).inventory
        let ssh = try folder.write(
            "#!/bin/sh\nprintf '%s\\n' \"$@\" > \(folder.path)/asked\n\(script)\n",
            to: "ssh"
        )
        #expect(chmod(ssh, 0o700) == 0)
        let host = try #require(inventory.hosts.first?.host)
        try await body(RulesOverSSH(inventory, password: password, ssh: ssh), host, folder)
    }

    @Test("a host's report is read, and the program called as root without a shell's help")
    func look() async throws {
        try await Self.over("echo '\(Self.report)'") { rules, host, folder in
            guard case .seen(let facts) = await rules.look(at: host) else {
                Issue.record("silent")
                return
            }
            #expect(
                facts.count == 2 && facts.isWatched == false && facts.lease.highestEpoch == FencingEpoch(3)
            )
            let asked = try Self.asked(folder)
            #expect(asked.contains("StrictHostKeyChecking=yes\n"))
            #expect(
                asked.hasSuffix(
                    "--\n198.51.100.1\nexec sudo -n -- /usr/bin/mitosis-agent rules list --local --json\n"
                ),
                "\(asked)"
            )
        }
    }

    @Test(
        "what is no report, or says what cannot be, is no look",
        arguments: [
            "echo nonsense", "echo", "echo '{\"clock\":7}'",
            "echo '\(report)' | sed s/:3/:99999999999999999999/", "yes | head -c 9000000", "exit 127",
            "exit 1",
        ]
    )
    func nonsense(script: String) async throws {
        try await Self.over(script) { rules, host, _ in
            guard case .silent(let reason) = await rules.look(at: host) else {
                Issue.record("seen")
                return
            }
            #expect(!reason.isEmpty && !reason.contains("\n"))
        }
    }

    @Test("only the program's own success counts as clean")
    func clean() async throws {
        let facts = RulesFacts(
            try WireJSON.decode(LocalRulesReport.self, from: Data(Self.report.utf8))
        )
        try await Self.over("exit 0") { rules, host, folder in
            #expect(await rules.clean(host, facts, force: false) == .clean(removed: 2))
            let asked = try Self.asked(folder)
            #expect(asked.hasSuffix("mitosis-agent rules clean --local\n"))
            #expect(await rules.clean(host, facts, force: true) == .clean(removed: 2))
            let forced = try Self.asked(folder)
            #expect(forced.hasSuffix("mitosis-agent rules clean --local --force\n"))
        }
        try await Self.over("echo 'a lease is held' >&2; exit 1") { rules, host, _ in
            guard case .failed(let reason) = await rules.clean(host, facts, force: false) else {
                Issue.record("not failed")
                return
            }
            #expect(reason.hasSuffix("status 1: a lease is held"))
        }
        try await Self.over("echo 'Permission denied (publickey).' >&2; exit 255") { rules, host, _ in
            guard case .unreachable(let reason) = await rules.clean(host, facts, force: false) else {
                Issue.record("not unreachable")
                return
            }
            #expect(reason.contains("ssh was not let in"))
        }
        try await Self.over("echo 'sudo: a password is required' >&2; exit 1") { rules, host, _ in
            guard case .unreachable(let reason) = await rules.clean(host, facts, force: false) else {
                Issue.record("not unreachable")
                return
            }
            #expect(reason.contains("--ask-sudo-password"))
        }
    }

    @Test("an ssh that ends without having read the password is an ending like any other")
    func unreadPassword() async throws {
        try await Self.over("exec <&-; exit 255", password: "secret") { rules, host, _ in
            for _ in 0..<20 {
                guard case .silent = await rules.look(at: host) else {
                    Issue.record("not silent")
                    return
                }
            }
        }
    }

    @Test(
        "a program that had its say was run, whatever sudo warned of before; one that sudo did not run was not",
        arguments: [
            (
                "echo 'sudo: unable to resolve host s1' >&2; echo 'mitosis-agent: a lease is held' >&2; exit 1",
                true
            ),
            (
                "echo 'mitosis-agent: a lease is held' >&2; echo 'sudo: unable to resolve host s1' >&2; exit 1",
                true
            ),
            ("echo 'nftables: 2 rules'; echo 'sudo: unable to resolve host s1' >&2; exit 1", true),
            ("echo 'sudo: unable to resolve host s1' >&2; echo 'Error: unexpected' >&2; exit 1", true),
            (
                "echo 'sudo: unable to resolve host s1' >&2; echo 'sudo: a password is required' >&2; exit 1",
                false
            ),
            ("echo 'ops is not in the sudoers file.' >&2; exit 1", false),
            ("echo 'Sorry, user ops is not allowed to execute it as root on s1.' >&2; exit 1", false),
        ]
    )
    func sudosWord(script: String, wasRun: Bool) async throws {
        let facts = RulesFacts(
            try WireJSON.decode(LocalRulesReport.self, from: Data(Self.report.utf8))
        )
        try await Self.over(script) { rules, host, _ in
            let isFailed =
                if case .failed = await rules.clean(host, facts, force: false) { true } else { false }
            #expect(isFailed == wasRun)
        }
    }

    @Test("sudo's password goes to its standard input, and nowhere else")
    func password() async throws {
        try await Self.over("read p; [ \"$p\" = secret ] && echo '\(Self.report)'", password: "secret") {
            rules,
            host,
            folder in
            guard case .seen = await rules.look(at: host) else {
                Issue.record("silent")
                return
            }
            let asked = try Self.asked(folder)
            #expect(asked.contains("exec sudo -S -p ") && !asked.contains("secret"))
        }
    }
}
