import FoundationEssentials
import Glibc
import LabKit
import Testing

/// What goes wrong under way, and what somebody else has done on the host.
@Suite(
    "Agents installed over ssh, in spite of everything",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")"),
    .enabled(if: SecureShell.obstacle() == nil, "\(SecureShell.obstacle() ?? "")")
)
struct InstallFaultTests {
    private static let pieces =
        "ls /usr/bin/mitosis-agent /etc/mitosis /etc/systemd/system/mitosis-agent.service"

    /// On other hosts what a coordinator left may not have come to its end yet: that is said, and waited for as it says.
    private static func installAgain(_ bare: BareHosts) async throws -> Tool.Outcome {
        let deadline = ContinuousClock.now + .seconds(90)
        while true {
            let again = try await bare.agents("install")
            guard again.output.contains("another installation is under way"), ContinuousClock.now < deadline
            else { return again }
        }
    }

    @Test(
        "a coordinator that is killed leaves no host half installed, and the same command again ends it",
        .hangLimit,
        arguments: [
            // The first file has begun to arrive; a key was made; files are taking their places.
            "test -e /var/lib/mitosis-install/stage", "test -e /var/lib/mitosis-install/stage/agent.key",
            "test -e /var/lib/mitosis-install/journal.json",
        ]
    )
    func killed(moment: String) async throws {
        try await BareHosts.with { bare in
            let host = bare.hosts[0]
            let coordinator = try bare.start("install")
            try await bare.wait(on: host, until: "\(moment) || test -e /etc/mitosis/tls/agent.key")
            coordinator.signal(SIGKILL)
            // The host's part goes on to its end, or takes itself back.
            try await bare.wait(on: host, until: "! test -e /var/lib/mitosis-install")
            let there = try await bare.shell("\(Self.pieces) 2>/dev/null | wc -l", on: host)
            let isWhole = try await bare.lab.systemctl(["is-active", "mitosis-agent.service"], on: host)
                .succeeded
            #expect(isWhole || there == "0\n", "\(there)")
            let again = try await Self.installAgain(bare)
            #expect(again.succeeded, "\(again)")
            #expect(try await bare.agents("status").succeeded)
        }
    }

    @Test(
        "a host whose network is cut in the middle is told as broken off, harms no other, and is whole or bare when it is back",
        .hangLimit
    )
    func cut() async throws {
        try await BareHosts.with { bare in
            let (cut, other) = (bare.hosts[0], bare.hosts[1])
            // From the first file that arrives there on nothing goes in or out any more.
            let sever = """
                while ! test -e /var/lib/mitosis-install/stage; do :; done
                ip link set eth0 down
                """
            async let severed = bare.shell(sever, on: cut)
            let installed = try await bare.agents("install", "--host-seconds", "20")
            _ = try await severed
            #expect(!installed.succeeded)
            #expect(installed.output.contains("\(other.name)  ready"), "\(installed)")
            #expect(!installed.output.contains("\(cut.name)  ready"), "\(installed)")
            // The host's part notices, goes on to its end or takes itself back.
            try await bare.wait(on: cut, until: "! test -e /var/lib/mitosis-install/journal.json")
            let there = try await bare.shell("\(Self.pieces) 2>/dev/null | wc -l", on: cut)
            let isWhole = try await bare.lab.systemctl(["is-active", "mitosis-agent.service"], on: cut)
                .succeeded
            #expect(isWhole || there == "0\n", "\(there)")

            // Dead for the whole of the next run: named, and again the others are not kept waiting for it.
            let dead = try await bare.agents("install", "--host-seconds", "20")
            #expect(!dead.succeeded && dead.output.contains("\(other.name)  ready  unchanged"), "\(dead)")
            #expect(
                dead.output.contains("\(cut.name)  ") && !dead.output.contains("\(cut.name)  ready"),
                "\(dead)"
            )
            _ = try await bare.shell("ip link set eth0 up", on: cut)
            let again = try await Self.installAgain(bare)
            #expect(again.succeeded, "\(again)")
            #expect(try await bare.agents("status").succeeded)
        }
    }

    @Test(
        "an upgrade while a wall stands leaves every rule as it is, and the wall keeps the agent from being removed",
        .hangLimit
    )
    func walled() async throws {
        try await BareHosts.with { bare in
            #expect(try await bare.agents("install").succeeded)
            let host = bare.hosts[0]
            let wall = """
                nft add table inet mitosis
                nft 'add chain inet mitosis input { type filter hook input priority -10; }'
                nft add rule inet mitosis input ip saddr 198.51.100.99 counter reject
                """
            _ = try await bare.shell(wall, on: host)
            let before = try await bare.shell("nft -s list ruleset", on: host)
            #expect(before.contains("198.51.100.99"))
            let former = try await bare.shell(
                "systemctl show -p MainPID --value mitosis-agent.service",
                on: host
            )

            // The same program under another digest.
            let newer = bare.lab.layout.control + "/mitosis-agent-newer"
            try FileManager.default.copyItem(atPath: bare.lab.binaries.agent, toPath: newer)
            _ = try await Tool(["/bin/sh", "-c", "echo newer >> \(newer)"]).output(step: "another digest")
            let refused = try await bare.agents("install", newer: newer)
            #expect(!refused.succeeded && refused.output.contains("mitosis agents upgrade"), "\(refused)")
            let upgraded = try await bare.agents("upgrade", newer: newer)
            #expect(upgraded.succeeded && upgraded.output.contains("the same before"), "\(upgraded)")
            #expect(try await bare.shell("nft -s list ruleset", on: host) == before)
            let latter = try await bare.shell(
                "systemctl show -p MainPID --value mitosis-agent.service",
                on: host
            )
            #expect(latter != former)

            let kept = try await bare.agents("uninstall", newer: newer)
            #expect(!kept.succeeded && kept.output.contains("\(host.name)  refused"), "\(kept)")
            #expect(kept.output.contains("a wall may stand"))
            #expect(try await bare.lab.systemctl(["is-active", "mitosis-agent.service"], on: host).succeeded)
            _ = try await bare.shell("nft delete table inet mitosis", on: host)
            #expect(try await bare.agents("uninstall", newer: newer).succeeded)

            // Somebody may have removed everything by hand, but the wall.
            _ = try await bare.shell(wall, on: host)
            let walledOnly = try await bare.agents("uninstall", newer: newer)
            #expect(!walledOnly.succeeded && walledOnly.output.contains("a wall may stand"), "\(walledOnly)")
            _ = try await bare.shell("nft delete table inet mitosis", on: host)
            let nothing = try await bare.agents("uninstall", newer: newer)
            #expect(nothing.succeeded && nothing.output.contains("nothing there"), "\(nothing)")
        }
    }

    @Test(
        "hosts behind others are reached over them, whose keys must be known, whatever ssh's own files say",
        .hangLimit
    )
    func jumped() async throws {
        try await BareHosts.with { bare in
            let over = bare.hosts.map { "root@\($0.ipv4):22" }
            for jumps in [over[0], over.joined(separator: ",")] {
                try bare.write(defaults: "ssh: {user: root, jump: \"\(jumps)\"}")
                let shown = try await bare.agents("install", "--dry-run")
                #expect(shown.succeeded, "\(jumps): \(shown)")
            }
            let shell = SecureShell(bare.lab)
            let known = try Folder.read(shell.knownHosts).split(separator: "\n").dropFirst()
            try Folder.write(known.joined(separator: "\n") + "\n", to: shell.knownHosts)
            let settings = shell.clientFolder + "/lab.conf"
            try Folder.write(
                try Folder.read(settings) + "  StrictHostKeyChecking accept-new\n",
                to: settings
            )
            for jumps in [over[0], over.joined(separator: ",")] {
                try bare.write(defaults: "ssh: {user: root, jump: \"\(jumps)\"}")
                let refused = try await bare.agents("install", "--dry-run")
                #expect(!refused.succeeded, "\(jumps): \(refused)")
                for host in bare.hosts {
                    #expect(refused.output.contains("\(host.name)  refused"), "\(jumps): \(refused)")
                }
            }
            #expect(
                try Folder.read(shell.knownHosts) == known.joined(separator: "\n") + "\n",
                "a key was accepted unseen"
            )
        }
    }

    @Test(
        "a host whose key is not known is refused by name, and nothing is sent to it",
        .hangLimit
    )
    func unknownKey() async throws {
        try await BareHosts.with { bare in
            let known = try Folder.read(SecureShell(bare.lab).knownHosts).split(separator: "\n")
            try Folder.write(
                known.dropFirst().joined(separator: "\n") + "\n",
                to: SecureShell(bare.lab).knownHosts
            )
            let installed = try await bare.agents("install")
            let (stranger, other) = (bare.hosts[0], bare.hosts[1])
            #expect(!installed.succeeded)
            #expect(
                installed.output.contains(
                    "\(stranger.name)  refused, nothing was changed: its host key is not known"
                ),
                "\(installed)"
            )
            #expect(installed.output.contains("ssh-keyscan \(stranger.ipv4)"))
            #expect(installed.output.contains("\(other.name)  ready"), "\(installed)")
            #expect(try await bare.shell("\(Self.pieces) 2>/dev/null", on: stranger) == "")
        }
    }

    @Test(
        "a configuration that was edited by hand is shown, and overwritten only after a yes",
        .hangLimit
    )
    func configured() async throws {
        try await BareHosts.with { bare in
            #expect(try await bare.agents("install").succeeded)
            let host = bare.hosts[0]
            _ = try await bare.shell("echo 'log_level: debug' >> /etc/mitosis/agent.yaml", on: host)
            let refused = try await bare.agents("install")
            #expect(!refused.succeeded && refused.output.contains("mitosis agents configure"), "\(refused)")
            let shown = try await bare.agents("configure", "--dry-run")
            #expect(shown.succeeded && shown.output.contains("\n-log_level: debug\n"), "\(shown)")
            let unasked = try await bare.agents("configure")
            #expect(!unasked.succeeded && unasked.errors.contains("nothing was written"), "\(unasked)")
            #expect(try await bare.shell("grep -c debug /etc/mitosis/agent.yaml", on: host) == "1\n")

            try bare.write(defaults: "ssh: {user: root}, protected_ports: [22, 8080]")
            let written = try await bare.agents("configure", "--yes")
            #expect(
                written.succeeded && written.output.contains("+  protected_ports: [22, 8080]"),
                "\(written)"
            )
            #expect(try await bare.shell("grep -c debug /etc/mitosis/agent.yaml", on: host) == "0\n")
            let again = try await bare.agents("configure", "--yes")
            #expect(again.succeeded && again.output.contains("unchanged"), "\(again)")
        }
    }

    @Test(
        "root is reached through sudo with a password that is typed, and a user without root is refused",
        .hangLimit
    )
    func sudo() async throws {
        try await BareHosts.with { bare in
            for host in bare.hosts {
                _ = try await bare.shell(
                    "useradd -m op && echo op:correct | chpasswd && echo 'op ALL=(ALL) ALL' > /etc/sudoers.d/op",
                    on: host
                )
            }
            try bare.write(defaults: "ssh: {user: op}")
            let user = try await bare.agents("install")
            #expect(!user.succeeded && user.output.contains("root is needed"), "\(user)")
            try bare.write(defaults: "ssh: {user: op, sudo: true}")
            let silent = try await bare.agents("install")
            #expect(!silent.succeeded && silent.output.contains("--ask-sudo-password"), "\(silent)")
            let wrong = try await bare.typing("wrong", "install", "--ask-sudo-password")
            #expect(!wrong.succeeded && wrong.output.contains("did not take the password"), "\(wrong)")
            let right = try await bare.typing("correct", "install", "--ask-sudo-password")
            #expect(right.succeeded, "\(right)")
            #expect(!right.output.contains("correct"))
            #expect(try await bare.agents("status").succeeded)
        }
    }
}
