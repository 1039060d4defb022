import FoundationEssentials
import Glibc
import LabKit
import Testing

@Suite(
    "Agents installed over ssh",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")"),
    .enabled(if: SecureShell.obstacle() == nil, "\(SecureShell.obstacle() ?? "")")
)
struct InstallTests {
    @Test(
        "bare hosts are ready after one command, unchanged after another, and as they were after an uninstall",
        .hangLimit
    )
    func wholeLife() async throws {
        try await BareHosts.with(sources: 2, destinations: 1) { bare in
            var before: [String: [String]] = [:]
            for host in bare.hosts { before[host.name] = try await bare.files(of: host) }

            let dry = try await bare.agents("install", "--dry-run")
            #expect(dry.succeeded && dry.output.contains("would write /etc/mitosis/agent.yaml"), "\(dry)")
            for host in bare.hosts { #expect(try await bare.files(of: host) == before[host.name]) }

            let installed = try await bare.agents("install", "--log-level", "info")
            #expect(installed.succeeded, "\(installed)")
            let status = try await bare.agents("status")
            #expect(status.succeeded, "\(status)")
            for host in bare.hosts {
                #expect(status.output.contains("\(host.name)  ready  mitosis-agent"), "\(status)")
                let modes = try await bare.shell(
                    "stat -c '%a %U' /etc/mitosis/tls/agent.key /etc/mitosis/tls",
                    on: host
                )
                #expect(modes == "600 root\n700 root\n")
                #expect(try await bare.shell("ls -d /var/lib/mitosis-install 2>/dev/null", on: host) == "")
                let isHeld = bare.lab.configuration.destinationHosts.contains { $0.name == host.name }
                try await Self.seeUnits(bare, host, isHeld: isHeld)
                let log = try await bare.shell("journalctl -o cat -u mitosis-agent.service", on: host)
                #expect(log.contains("mitosis-agent runs"), "\(log)")
                // Both sides keep the method and the certificate's fingerprint.
                let kept = try await bare.shell("journalctl -o cat -t mitosis-agent", on: host)
                #expect(kept.contains("installation begins method=ssh coordinator=ops"), "\(kept)")
                let prefix = try #require(
                    installed.output.split(separator: "\n").first { $0.hasPrefix("\(host.name)  ") }?
                        .split(separator: " ").last
                )
                #expect(kept.contains("fingerprint=\(prefix)"), "\(prefix): \(kept)")
                #expect(installed.errors.contains("fingerprint=\(prefix)"), "\(installed.errors)")
            }
            // No key of a host is anywhere but on that host.
            let keys = try Folder.entries(bare.lab.layout.pki + "/agents").filter { $0.hasSuffix(".key") }
            #expect(keys.isEmpty)

            let placed = try await bare.shell(
                "stat -c '%n %i %Y' /usr/bin/mitosis-agent /etc/mitosis/tls/*",
                on: bare.hosts[0]
            )
            let began = ContinuousClock.now
            let again = try await bare.agents("install", "--json", "--at-once", "1", "--new-per-second", "1")
            #expect(again.succeeded, "\(again)")
            // One host after another, and a second between two connections.
            let order = again.output.split(separator: "\n").map { line in
                bare.hosts.firstIndex { line.contains(#""host":"\#($0.name)""#) }
            }
            #expect(order == Array(bare.hosts.indices), "\(again)")
            #expect(ContinuousClock.now - began >= .seconds(bare.hosts.count - 1))
            #expect(
                again.output.split(separator: "\n").allSatisfy { $0.contains(#""outcome":"unchanged""#) },
                "\(again)"
            )
            #expect(
                try await bare.shell(
                    "stat -c '%n %i %Y' /usr/bin/mitosis-agent /etc/mitosis/tls/*",
                    on: bare.hosts[0]
                )
                    == placed
            )

            // What somebody has taken away is put back without a restart of anything; what is not wanted any more goes.
            let held = bare.lab.configuration.destinationHosts[0]
            _ = try await bare.shell(
                "rm -r \(Self.hold); systemctl disable --now mitosis-lapse.path; systemctl daemon-reload",
                on: held
            )
            let main = "systemctl show -p MainPID --value mitosis-agent.service"
            let process = try await bare.shell(main, on: held)
            let shown = try await bare.agents("configure", "--dry-run")
            #expect(shown.output == "\(held.name): \(Self.hold) is to be written\n", "\(shown)")
            let configured = try await bare.agents("configure", "--yes")
            #expect(configured.succeeded, "\(configured)")
            try await Self.seeUnits(bare, held, isHeld: true)
            #expect(try await bare.shell(main, on: held) == process)
            try Folder.write(
                try Folder.read(bare.inventory).replacing(", hold: true", with: ""),
                to: bare.inventory
            )
            // One that is dead is named, and keeps no other from it.
            let dead = bare.lab.configuration.sourceHosts[0]
            _ = try await bare.shell("ip link set eth0 down", on: dead)
            let released = try await bare.agents("configure", "--yes")
            #expect(released.status == 1 && released.output.contains("-  hold: true"), "\(released)")
            #expect(released.errors.contains("nothing was written on \(dead.name); "), "\(released)")
            try await Self.seeUnits(bare, held, isHeld: false)
            _ = try await bare.shell("ip link set eth0 up", on: dead)
            #expect(try await bare.agents("configure", "--yes").succeeded)
            try bare.write()
            let heldAgain = try await bare.agents("configure", "--yes")
            #expect(heldAgain.succeeded, "\(heldAgain)")
            try await Self.seeUnits(bare, held, isHeld: true)

            let removed = try await bare.agents("uninstall")
            #expect(removed.succeeded, "\(removed)")
            for host in bare.hosts {
                let after = try await bare.files(of: host)
                let differences = Set(after).symmetricDifference(before[host.name] ?? [])
                #expect(differences.isEmpty, "\(host.name): \(differences.sorted())")
                let unit = try await bare.lab.systemctl(
                    ["show", "--property=LoadState", "--value", "mitosis-agent.service"],
                    on: host
                )
                #expect(unit.output == "not-found\n")
            }
            #expect(try await bare.agents("uninstall").succeeded)
        }
    }

    private static let hold = "/etc/systemd/system/zookeeper.service.d/mitosis-hold.conf"

    /// As the host's own systemd says it.
    private static func seeUnits(_ bare: BareHosts, _ host: LabHost, isHeld: Bool) async throws {
        let path = try await bare.lab.systemctl(
            ["show", "--property=ActiveState,UnitFileState", "mitosis-lapse.path"],
            on: host
        )
        #expect(path.output.contains("ActiveState=active") && path.output.contains("UnitFileState=enabled"))
        let server = try await bare.lab.systemctl(
            ["show", "--property=ExecCondition,NeedDaemonReload", "zookeeper.service"],
            on: host
        ).output
        #expect(server.contains("--hold-check") == isHeld, "\(host.name): \(server)")
        #expect(server.contains("NeedDaemonReload=no"), "\(host.name): \(server)")
    }
}
