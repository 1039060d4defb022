import FoundationEssentials
import Glibc
import LabKit
import Testing

/// Lab hosts with systemd and sshd and nothing of ours, an inventory of them, and an authority.
struct BareHosts {
    let lab: Lab

    static func with(sources: Int = 2, destinations: Int = 1, _ body: (BareHosts) async throws -> Void)
        async throws
    {
        try await LabFixture.withLab(
            sources: sources,
            destinations: destinations,
            mode: .systemd,
            agents: false,
            sshd: true
        ) { lab in
            try await lab.up()
            let bare = BareHosts(lab: lab)
            try await bare.prepare()
            try await body(bare)
        }
    }

    var inventory: String { lab.layout.root + "/inventory.yaml" }
    var hosts: [LabHost] { lab.configuration.servingHosts }

    private func prepare() async throws {
        for arguments in [["init"], ["issue", "coordinator", "ops"]] {
            try await Tool([lab.binaries.coordinator, "pki"] + arguments + ["--directory", lab.layout.pki])
                .output(step: "mitosis pki \(arguments.joined(separator: " "))")
        }
        try write()
    }

    /// The inventory, with more lines of defaults.
    func write(defaults: String = "ssh: {user: root}") throws {
        let held = Set(lab.configuration.destinationHosts.map(\.name))
        let lines = hosts.map { host in
            "  - {host: \(host.name), address: \(host.ipv4)\(held.contains(host.name) ? ", hold: true" : "")}"
        }
        let text = """
            version: 1
            name: bare
            pki: {directory: ./pki, coordinator: ops}
            defaults: {\(defaults)}
            groups:
              zookeeper:
                hosts: ["*"]
                role: zookeeper
                service: zookeeper.service
                config: /etc/zookeeper/conf/zoo.cfg
            hosts:
            \(lines.joined(separator: "\n"))

            """
        try Folder.write(text, to: inventory)
    }

    private func command(_ arguments: [String], agent: String? = nil) throws -> [String] {
        let unit = try lab.binaries.shippedUnit()
        let sessions = Set(["install", "configure", "upgrade", "uninstall"]).contains(arguments.first ?? "")
        let materials = sessions ? ["--agent", agent ?? lab.binaries.agent, "--unit", unit] : []
        return SecureShell(lab).reaching(
            [lab.binaries.coordinator, "agents"] + arguments + [inventory] + materials
        )
    }

    /// `mitosis agents …` on the control host.
    func agents(_ arguments: String..., newer agent: String? = nil) async throws -> Tool.Outcome {
        try await lab.run(try command(arguments, agent: agent), on: lab.configuration.control)
    }

    /// The same on a terminal, where somebody types a password as soon as it is asked for.
    func typing(_ password: String, _ arguments: String...) async throws -> Tool.Outcome {
        let typist = ["/usr/bin/python3", "-c", Self.typist, password]
        return try await lab.run(typist + (try command(arguments)), on: lab.configuration.control)
    }

    private static let typist = """
        import os, pty, sys
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(sys.argv[2], sys.argv[2:])
        seen, typed = b"", False
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:
                break
            if not part:
                break
            seen += part
            if not typed and b"on the hosts: " in seen:
                os.write(terminal, sys.argv[1].encode() + b"\\n")
                typed = True
        sys.stdout.buffer.write(seen)
        sys.stdout.flush()
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """

    var log: String { lab.layout.control + "/agents.log" }

    /// The same in the background.
    func start(_ arguments: String...) throws -> ProcessRecord {
        try Launcher(namespace: lab.namespace(of: lab.configuration.control), log: log).launch(
            try command(arguments)
        )
    }

    func shell(_ script: String, on host: LabHost) async throws -> String {
        try await lab.inside(host, ["/bin/sh", "-c", script]).output
    }

    /// Every file where an installation could leave something, with mode and owner.
    func files(of host: LabHost) async throws -> [String] {
        let places = "/etc /etc/systemd/system /usr/bin /usr/sbin /usr/lib/systemd /var/lib /usr/local /opt"
        let text = try await shell(
            "find \(places) -xdev -not -path '/var/lib/systemd*' -printf '%p %m %U %G %y\\n' | sort -u",
            on: host
        )
        return text.split(separator: "\n").map(String.init)
    }

    /// Returns when a host's shell says yes.
    func wait(on host: LabHost, seconds: Int = 60, until script: String) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !lab.inside(host, ["/bin/sh", "-c", script]).succeeded {
            try #require(ContinuousClock.now < deadline, "not within \(seconds) s: \(script)")
            try await Task.sleep(for: .milliseconds(5))
        }
    }
}
