import AgentServer
import ControlProtocol
import FoundationEssentials
import Settings
import TestSupport
import Testing
import Topology

@testable import Provisioning

/// Of inventory text and a host's look: its agent.yaml, its objections, ssh's arguments.
@Suite("What a host gets", .timeLimit(.minutes(10)))
struct HostFileTests {
    private static func inventory(_ defaults: String = "{}", hosts: String = standard) throws -> Inventory {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        let text = """
            version: 1
            name: fleet
            pki: {directory: pki, coordinator: ops, trust_domain: example}
            defaults: \(defaults)
            hosts:
            \(hosts)

            """
        return try FleetFile.read(path: try folder.write(text, to: "i.yaml")).inventory
    }

    private static let standard = """
        - {host: s1, address: 198.51.100.1, role: zookeeper}
        - {host: s2, address: 198.51.100.2, addresses: ["2001:db8::2"], role: zookeeper}
        - {host: k1, address: 198.51.100.7, role: kafka, service: kafka.service, config: /opt/k.properties}
        """

    static let look = [
        "fact uid 0", "fact machine x86_64", "fact glibc glibc 2.36", "fact libssl /lib/libssl.so.3",
        "fact systemd systemd 252", "fact tool nft", "fact tool dd", "fact tool sha256sum",
        "fact tool base64",
        "fact tool flock", "fact clock 1000", "fact free /usr/bin 900000", "fact free /etc 900000",
        "fact free /var/lib 900000", "fact unit zookeeper.service", "fact unit kafka.service",
        "fact config /etc/zookeeper/conf/zoo.cfg", "fact config /opt/k.properties",
        "fact logdirs /opt/k.properties log.dirs = /data/a, /data/b", "fact active inactive",
    ]

    private static func judge(
        _ look: [String],
        _ inventory: Inventory,
        host: String = "s1",
        binary: AgentBinary = AgentBinary([])
    ) throws -> LookJudgement {
        let host = try #require(inventory.hosts.first { $0.host.description == host })
        return LookJudgement(
            HostLook(look),
            host,
            binary: binary,
            neighbours: inventory.neighbours,
            now: 1000
        )
    }

    private static func parsed(_ text: String) throws -> AgentConfiguration {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        return try AgentConfigurationReader.read(path: try folder.write(text, to: "agent.yaml"))
    }

    @Test("agent.yaml of a ZooKeeper host is what the agent reads: found paths, all peers, the usual ports")
    func zookeeper() throws {
        let inventory = try Self.inventory("{ssh: {port: 2222}}")
        let settled = try #require(try Self.judge(Self.look, inventory).settled)
        let file = try Self.parsed(AgentFileText(inventory.hosts[0], settled, pki: inventory.pki).text)
        #expect(file.host.description == "s1")
        #expect(file.certificates.trustDomain == "example")
        #expect(file.peers.map(\.description) == ["198.51.100.1/32", "198.51.100.2/32", "2001:db8::2/128"])
        #expect(file.zookeeper?.service == "zookeeper.service")
        #expect(file.files == ["/etc/zookeeper/conf/zoo.cfg"])
        #expect(file.backend == .nftables)
        #expect(file.protectedPorts.map(\.description) == ["22", "2222"])
        #expect(file.state == "/var/lib/mitosis")
    }

    @Test("a ZooKeeper whose unit is to ask gets the word for it, under systemd only")
    func hold() throws {
        for (defaults, isHeld) in [("{hold: true}", true), ("{hold: false}", false), ("{}", false)] {
            let inventory = try Self.inventory(defaults)
            let settled = try #require(try Self.judge(Self.look, inventory).settled)
            let file = try Self.parsed(AgentFileText(inventory.hosts[0], settled, pki: inventory.pki).text)
            #expect(file.zookeeper?.isHeld == isHeld)
        }
    }

    @Test("a look tells of units that are not as they should be, and of a path unit that does not wait")
    func units() {
        let whole = ["fact active active", "fact enabled enabled", "fact watching active enabled"]
        #expect(HostLook(whole).areUnitsSettled)
        for missing in whole { #expect(!HostLook(whole.filter { $0 != missing }).areUnitsSettled) }
        for further in ["fact stale /a.path", "fact surplus /b.conf"] {
            let look = HostLook(whole + [further])
            #expect(!look.areUnitsSettled)
            #expect(look.stale + look.surplus == [String(further.split(separator: " ")[2])])
        }
        #expect(
            !HostLook(whole.map { $0.replacing("active enabled", with: "active masked") }).areUnitsSettled
        )
    }

    @Test("agent.yaml of a broker lists meta.properties of every log directory, and no ZooKeeper")
    func kafka() throws {
        let inventory = try Self.inventory()
        let settled = try #require(try Self.judge(Self.look, inventory, host: "k1").settled)
        let file = try Self.parsed(AgentFileText(inventory.hosts[2], settled, pki: inventory.pki).text)
        #expect(file.files == ["/opt/k.properties", "/data/a/meta.properties", "/data/b/meta.properties"])
        #expect(file.zookeeper == nil && file.services.names == ["kafka.service"])
    }

    @Test("texts that YAML could take for something else arrive as they are")
    func quoting() throws {
        let inventory = try Self.inventory("{files: [\"/a b: {#}'\\\"\\\\\", /yes], listen: 203.0.113.5}")
        let settled = try #require(try Self.judge(Self.look, inventory).settled)
        let file = try Self.parsed(AgentFileText(inventory.hosts[0], settled, pki: inventory.pki).text)
        #expect(file.files.suffix(2) == ["/a b: {#}'\"\\", "/yes"])
        #expect(file.address.description == "203.0.113.5")
    }

    @Test(
        "a host that lacks something is refused by name",
        arguments: [
            ("fact uid 0", "fact uid 1000", "root is needed"),
            ("fact machine x86_64", "fact machine aarch64", "another architecture"),
            ("fact glibc glibc 2.36", "fact glibc glibc 2.31", "its glibc is 2.31"),
            ("fact libssl /lib/libssl.so.3", "fact x y", "libssl.so.3 is missing"),
            ("fact systemd systemd 252", "fact x y", "no systemd"),
            ("fact tool nft", "fact x y", "install nftables"),
            ("fact clock 1000", "fact clock 5000", "4000 s ahead"),
            ("fact free /var/lib 900000", "fact free /var/lib 9", "/var/lib has 9 KiB free"),
            ("fact unit zookeeper.service", "fact x y", "set `service`"),
            ("fact config /etc/zookeeper/conf/zoo.cfg", "fact x y", "set `config`"),
        ]
    )
    func refused(fact: String, instead: String, reason: String) throws {
        var elf = [UInt8](repeating: 0, count: 64)
        elf.replaceSubrange(0..<4, with: [0x7F, 0x45, 0x4C, 0x46])
        elf[18] = 62
        let binary = AgentBinary(elf + Array("\0GLIBC_2.17\0GLIBC_ABI_DT_RELR\0GLIBC_2.34\0".utf8))
        #expect(binary.machine == "x86_64" && binary.glibc == LibraryVersion(major: 2, minor: 36))
        let inventory = try Self.inventory()
        #expect(try Self.judge(Self.look, inventory, binary: binary).objections.isEmpty)
        let judgement = try Self.judge(Self.look.map { $0 == fact ? instead : $0 }, inventory, binary: binary)
        #expect(judgement.objections.count == 1, "\(judgement.objections)")
        #expect(judgement.objections.first?.contains(reason) == true, "\(judgement.objections)")
    }

    @Test("a ZooKeeper host that is known by name only leaves the peers open, which is refused")
    func names() throws {
        let inventory = try Self.inventory(hosts: "- {host: s1, address: zk1.example, role: zookeeper}")
        let judgement = try Self.judge(Self.look, inventory)
        #expect(judgement.objections.count == 1 && judgement.objections[0].contains("`peers`"))
    }

    @Test("what a host says is bounded: no path with '..' or spaces, no endless field")
    func hostile() {
        let look = HostLook([
            "fact config /etc/../x", "fact config /a b",
            "fact machine " + String(repeating: "x", count: 9999),
            "fact logdirs /c log.dirs=/ok,../bad,relative", "nonsense", "fact", "fact free /etc notanumber",
        ])
        #expect(look.configs.isEmpty)
        #expect((look.machine ?? "").count < 300)
        #expect(look.logDirectories["/c"] == ["/ok"])
        #expect(look.free["/etc"] == nil)
    }

    @Test(
        "ssh checks host keys and never asks, whatever else is set; the inventory's settings are its options"
    )
    func arguments() throws {
        let inventory = try Self.inventory(
            "{ssh: {user: op, port: 2222, identity: /k, jump: b.example, options: [Compression=yes], sudo: true}}"
        )
        let command = SSHCommand(host: inventory.hosts[0], programSize: 77, asksPassword: true).arguments
        #expect(command.prefix(4) == ["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes"])
        for option in ["Port=2222", "IdentityFile=/k", "Compression=yes"] {
            #expect(command.contains(option))
        }
        #expect(command.suffix(5).prefix(4) == ["-l", "op", "--", "198.51.100.1"])
        let remote = try #require(command.last)
        #expect(remote.hasPrefix("exec sudo -S -p '\(SSHCommand.sudoPrompt)' -- /bin/sh -c '"))
        #expect(remote.contains("bs=77 count=1"))
        let quiet = SSHCommand(host: inventory.hosts[0], programSize: 1, asksPassword: false).arguments
        #expect(quiet.last?.hasPrefix("exec sudo -n -- ") == true)
    }

    @Test("hosts that are jumped over are called as strictly as the one beyond")
    func jumps() throws {
        func proxy(_ jump: String) throws -> String? {
            let inventory = try Self.inventory("{ssh: {connect_seconds: 5, jump: \"\(jump)\"}}")
            let command = SSHCommand(host: inventory.hosts[0], programSize: 1, asksPassword: false)
            return command.arguments.first { $0.hasPrefix("Proxy") }
        }
        let strict =
            "-o StrictHostKeyChecking=yes -o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=10 "
            + "-o ServerAliveCountMax=3 -o ForwardAgent=no -o ForwardX11=no -o PermitLocalCommand=no -o LogLevel=ERROR"
        #expect(
            try proxy("op@b.example:2222")
                == "ProxyCommand=ssh \(strict) -l op -p 2222 -W '[%h]:%p' -- b.example"
        )
        let inner = #"'ProxyCommand=ssh \#(strict) -W '\''[%%h]:%%p'\'' -- a'"#
        #expect(try proxy("a,[::1]") == "ProxyCommand=ssh \(strict) -o \(inner) -W '[%h]:%p' -- ::1")
        #expect(try proxy("none") == "ProxyJump=none")
    }

    @Test(
        "versions that are one minor apart work together, others are refused by name",
        arguments: [
            ("mitosis-agent 0.1.0 (protocol 2)", "0.2.0", nil),
            ("mitosis-agent 0.2.9 (protocol 2)", "0.2.0", nil),
            ("mitosis-agent 0.1.0 (protocol 2)", "0.3.0", "one minor version"),
            ("mitosis-agent 0.3.0 (protocol 2)", "0.2.0", "newer"), ("garbage", "0.2.0", "not understood"),
            ("mitosis-agent 1.0.0 (protocol 2)", "0.9.0", "one minor version"),
        ] as [(String, String, String?)]
    )
    func versions(found: String, own: String, objection: String?) {
        let answer = VersionStep.objection(from: found, to: own)
        if let objection { #expect(answer?.contains(objection) == true) } else { #expect(answer == nil) }
    }
}
