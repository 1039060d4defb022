import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Hosts, their agents and what runs beside them.
extension Breakage {
    static let hosts = [
        Breakage("an agent that is gone", ["agents"], saying: ["d3: ", "its agent cannot be reached"]) {
            bench in
            try await bench.stopAgent("d3")
            return {
                let host = try bench.host("d3")
                try await bench.lab.startAgent(on: host)
                try await bench.lab.waitForAgent(on: host, seconds: 60)
            }
        },
        Breakage(
            "an agent that may not probe its own side (trap 22)",
            ["destination-network"],
            saying: ["d2: its agent makes no probes", "firewall.peers"]
        ) { bench in
            // The source only.
            try await bench.restartAgent("d2") {
                $0.replacing("peers: [198.51.100.0/24,", with: "peers: [198.51.100.8/29,")
            }
        },
        Breakage(
            "the xtables lock held by another program (trap 16)",
            ["firewall-backend"],
            saying: ["d1: ", "gave up waiting for the xtables lock"]
        ) { bench in
            let agent = try await bench.restartAgent("d1") {
                $0.replacing("backend: nftables", with: "backend: iptables-legacy")
            }
            let hold = """
                import fcntl, time
                with open("/run/xtables.lock", "a") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX)
                    print("held", flush=True)
                    time.sleep(60)
                """
            let holder = try bench.launch(["/usr/bin/python3", "-c", hold], on: "d1")
            let log = try bench.files("d1").logs + "/test.log"
            while try !Folder.read(log).contains("held") { try await Task.sleep(for: .milliseconds(20)) }
            return {
                try await bench.end(holder)
                try await agent()
            }
        },
        Breakage(
            "a backend whose program is missing (trap 16)",
            ["firewall-backend"],
            saying: ["d2: its rules cannot be read: nft is not in"]
        ) { bench in
            // In a mount namespace of its own, where nft is nothing that can be executed.
            let script = "mount --bind /dev/null /usr/sbin/nft && exec \"$@\""
            return try await bench.restartAgent(
                "d2",
                behind: [
                    "/usr/bin/unshare", "--mount", "--propagation", "private", "/bin/sh", "-c", script,
                    "agent",
                ]
            )
        },
        Breakage(
            "another program that manages rules (trap 17)",
            ["rule-managers"],
            saying: ["d1: firewalld runs (pid "]
        ) { bench in
            let copy = try bench.files("d1").run + "/firewalld"
            try await Tool(["cp", "/usr/bin/sleep", copy]).output(step: "copying")
            let process = try bench.launch([copy, "300"], on: "d1")
            // What an agent saw of its host's processes counts for a second.
            try await Task.sleep(for: .milliseconds(1100))
            return {
                try await bench.end(process)
                try await Task.sleep(for: .milliseconds(1100))
            }
        },
        Breakage("a clock that is ahead (trap 19)", ["clocks"], saying: ["s1: its clock is ", " ms ahead"]) {
            bench in
            // Not `faketime` itself, which stays between the agent and whoever ends it.
            let library = try #require(
                ["x86_64", "aarch64"].map { "/usr/lib/\($0)-linux-gnu/faketime/libfaketimeMT.so.1" }
                    .first { FileManager.default.fileExists(atPath: $0) },
                "the package faketime is not installed"
            )
            let before = Set(try Folder.entries("/dev/shm"))
            // The inner `env` takes the library's own variables along: Swift finds its arguments only in an untouched
            // environment.
            let mend = try await bench.restartAgent(
                "s1",
                behind: ["/usr/bin/env", "LD_PRELOAD=\(library)", "FAKETIME=+30s", "/usr/bin/env"]
            )
            return {
                try await mend()
                for name in try Folder.entries("/dev/shm")
                where name.contains("faketime_") && !before.contains(name) {
                    try Folder.remove("/dev/shm/" + name)
                }
            }
        },
        Breakage(
            "a certificate that is about to end (trap 19)",
            ["certificates"],
            saying: ["d2: its certificate ends in 0 days"]
        ) { bench in
            let (pki, tls) = (bench.lab.layout.pki, try bench.files("d2").tls)
            let own = ["pem", "key"].map { "\(pki)/agents/d2.\($0)" }
            for file in own { try await Tool(["mv", file, file + ".usual"]).output(step: "moving") }
            let issue = ["pki", "issue", "agent", "d2", "--days", "1", "--directory", pki]
            try await Tool([bench.lab.binaries.coordinator] + issue).output(step: "issuing")
            try await Self.install(own, in: tls)
            return {
                for file in own { try await Tool(["mv", file + ".usual", file]).output(step: "moving") }
                try await Self.install(own, in: tls)
            }
        },
        Breakage(
            "a coordinator without its certificate (trap 19)",
            ["certificates"],
            saying: ["coordinators/ops.pem"]
        ) { bench in
            let file = bench.lab.layout.pki + "/coordinators/ops.pem"
            try await Tool(["mv", file, file + ".away"]).output(step: "moving")
            return { try await Tool(["mv", file + ".away", file]).output(step: "moving") }
        },
    ]

    static let credentials = [
        Breakage(
            "an agent's key that others may read",
            ["credential-files"],
            saying: ["d2: the key ", "is open to its group or to others (mode 644)"]
        ) { bench in
            let key = try bench.files("d2").tls + "/agent.key"
            try await Tool(["chmod", "644", key]).output(step: "opening a key")
            return { try await Tool(["chmod", "600", key]).output(step: "closing a key") }
        },
        Breakage(
            "a coordinator without a revocation list",
            ["revocation-list"],
            saying: ["there is no revocation list"]
        ) { bench in
            let list = bench.lab.layout.pki + "/ca.crl"
            try await Tool(["mv", list, list + ".away"]).output(step: "moving")
            return { try await Tool(["mv", list + ".away", list]).output(step: "moving") }
        },
        Breakage(
            "hosts that did not get the newest revocation list",
            ["revocation-list"],
            saying: ["s1: its list is number 1, this coordinator's number 2"]
        ) { bench in
            let pki = bench.lab.layout.pki
            let relist = [bench.lab.binaries.coordinator, "pki", "relist", "--directory", pki]
            try await Tool(relist).output(step: "writing a list")
            return {
                for host in bench.lab.configuration.servingHosts {
                    let place = bench.lab.layout.host(host).tls + "/ca.crl"
                    try await Tool(["cp", pki + "/ca.crl", place]).output(step: "copying a list")
                }
            }
        },
    ]

    private static func install(_ files: [String], in folder: String) async throws {
        for (file, name) in zip(files, ["agent.pem", "agent.key"]) {
            try await Tool(["cp", "--preserve=mode", file, "\(folder)/\(name)"]).output(step: "copying")
        }
    }
}
