import ControlProtocol
import FoundationEssentials
import Glibc
import HostControl
import LabKit
import Testing

@testable import AgentServer

/// The unit as it is shipped, with what the agent prints for its host.
@Suite("The agent's unit", .timeLimit(.minutes(10)))
struct UnitDropInTests {
    private static let yaml = """
        host: s1
        listen: {address: "0.0.0.0", port: 9760}
        tls: {certificate: /c, key: /k, authority: /a, trust_domain: mitosis}
        state: /var/lib/mitosis
        firewall: {backend: nftables, protected_ports: [22], peers: [198.51.100.0/24]}
        files: [/etc/zookeeper/conf/zoo.cfg]
        services: SERVICES
        """

    private static func configuration(_ directory: TemporaryDirectory, _ services: String) throws
        -> AgentConfiguration
    {
        let path = directory.path + "/agent.yaml"
        try Data(yaml.replacing("SERVICES", with: services).utf8).write(to: URL(filePath: path))
        return try AgentConfigurationReader.read(path: path)
    }

    @Test("it is narrowed to the paths of agent.yaml, of zoo.cfg and of the links on the way, as this text")
    func systemd() throws {
        let directory = try TemporaryDirectory()
        let configuration = try Self.configuration(
            directory,
            "{manager: systemd, allow: [zookeeper.service]}"
        )
        let places = WorkPlaces(directories: ["/etc/zookeeper/conf", "/tmp/with space", "/data/50%"])
        let lines = UnitDropIn(configuration, places: places).text.split(separator: "\n").filter {
            !$0.hasPrefix("#")
        }
        #expect(
            lines == [
                "[Service]", "ProtectSystem=strict", "ReadWritePaths=-/data/50%%",
                "ReadWritePaths=-/etc/zookeeper/conf", "ReadWritePaths=\"-/tmp/with space\"",
                "ReadWritePaths=-/var/lib/mitosis", "ExecStartPre=+/usr/bin/touch /run/xtables.lock",
                "ReadWritePaths=-/run/xtables.lock", "MemoryDenyWriteExecute=yes",
                "SystemCallFilter=~@resources", "MemoryHigh=192M", "MemoryMax=384M", "TasksMax=256",
            ]
        )
    }

    @Test("services that the agent starts itself share its unit, and nothing is narrowed or limited")
    func command() throws {
        let directory = try TemporaryDirectory()
        let services = "{manager: command, commands: {zk: {start: [/a], stop: [/a], status: [/a]}}}"
        let text = UnitDropIn(try Self.configuration(directory, services)).text
        #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("#") }, "\(text)")
        let unit = String(
            decoding: try Data(contentsOf: URL(filePath: Repository.path("deploy/mitosis-agent.service"))),
            as: UTF8.self
        )
        for setting in ["Memory", "TasksMax", "ProtectSystem=strict", "PrivateTmp=", "CPUQuota"] {
            #expect(!unit.split(separator: "\n").contains { $0.hasPrefix(setting) }, "\(setting)")
        }
    }

    @Test("what undoes a division may write where files are listed, and is narrowed by nothing")
    func lapseDropIn() throws {
        let directory = try TemporaryDirectory()
        let configuration = try Self.configuration(
            directory,
            "{manager: systemd, allow: [zookeeper.service]}"
        )
        let places = WorkPlaces(directories: ["/home/zk/conf", "/usr/local/with space", "/root/50%"])
        let lines = LapseDropIn(configuration, places: places).text.split(separator: "\n").filter {
            !$0.hasPrefix("#")
        }
        #expect(
            lines == [
                "[Service]", "ReadWritePaths=-/home/zk/conf", "ReadWritePaths=-/root/50%%",
                "ReadWritePaths=\"-/usr/local/with space\"", "ReadWritePaths=-/var/lib/mitosis",
            ]
        )
        #expect(LapseDropIn(configuration).text.contains("ReadWritePaths=-/etc/zookeeper/conf\n"))
        let commands = "{manager: command, commands: {zk: {start: [/a], stop: [/a], status: [/a]}}}"
        let text = LapseDropIn(try Self.configuration(directory, commands)).text
        #expect(text.split(separator: "\n").allSatisfy { $0.hasPrefix("#") }, "\(text)")
    }

    @Test("what a link leads to is written to as well as where it lies")
    func places() throws {
        let directory = try TemporaryDirectory()
        for name in ["conf", "real", "data"] { try #require(mkdir(directory.path + "/" + name, 0o755) == 0) }
        let path = directory.path
        try Data("dataDir=\(path)/data\ndataLogDir=\(path)/logs\n".utf8).write(
            to: URL(filePath: path + "/real/zoo.cfg")
        )
        try #require(symlink("../real/zoo.cfg", path + "/conf/zoo.cfg") == 0)
        let file = path + "/conf/zoo.cfg"
        let found = WorkPlaces(files: [file], server: file).directories
        #expect(found == ["conf", "data", "logs", "real"].map { path + "/" + $0 })
    }

    @Test(
        "systemd-analyze calls it no more exposed than it is today",
        .enabled("needs systemd-analyze") {
            access("/usr/bin/systemd-analyze", X_OK) == 0 || getenv("CI") != nil
        }
    )
    func exposure() async throws {
        let directory = try TemporaryDirectory()
        let configuration = try Self.configuration(
            directory,
            "{manager: systemd, allow: [zookeeper.service]}"
        )
        let unit = directory.path + "/mitosis-agent.service"
        try FileManager.default.copyItem(
            atPath: Repository.path("deploy/mitosis-agent.service"),
            toPath: unit
        )
        #expect(try await Self.exposure(of: unit) <= 3.2)
        try #require(mkdir(unit + ".d", 0o755) == 0)
        try Data(UnitDropIn(configuration).text.utf8).write(to: URL(filePath: unit + ".d/paths.conf"))
        #expect(try await Self.exposure(of: unit) <= 3.0)
        let lapse = directory.path + "/mitosis-lapse.service"
        try FileManager.default.copyItem(
            atPath: Repository.path("deploy/mitosis-lapse.service"),
            toPath: lapse
        )
        #expect(try await Self.exposure(of: lapse) <= 3.2)
        try #require(mkdir(lapse + ".d", 0o755) == 0)
        try Data(LapseDropIn(configuration).text.utf8).write(to: URL(filePath: lapse + ".d/paths.conf"))
        #expect(try await Self.exposure(of: lapse) <= 3.2)
        let coordinators = "[Service]\nIPAddressDeny=any\nIPAddressAllow=localhost 198.51.100.0/24\n"
        try Data(coordinators.utf8).write(to: URL(filePath: unit + ".d/addresses.conf"))
        #expect(try await Self.exposure(of: unit) <= 2.9)
    }

    @Test(
        "what makes a ZooKeeper's unit ask asks only where there is an order, and escapes what systemd would expand"
    )
    func hold() {
        let text = HoldDropIn(unit: #"zoo\x2dkeeper@1.service"#, state: "/var/lib/50%").text
        let line = #"""
            ExecCondition=+/bin/sh -c "test ! -e \"$$1\" || exec \"$$2\" --hold-check \"$$3\" --state \"$$4\"" "sh" \#
            "/var/lib/50%%/orders/standing.json" "/usr/bin/mitosis-agent" "zoo\\x2dkeeper@1.service" "/var/lib/50%%"
            """#
        #expect(text.split(separator: "\n").last.map(String.init) == line, "\(text)")
    }

    @Test("the units that undo a division are shipped as they are made, and go by another state directory")
    func lapse() throws {
        for file in [ProvisionedFile.lapsePath, .lapseService] {
            let shipped = try Data(contentsOf: URL(filePath: Repository.path("deploy/" + file.rawValue)))
            let text = try #require(LapseUnits(state: "/var/lib/mitosis").text(of: file))
            #expect(text == String(decoding: shipped, as: UTF8.self))
            let lines = text.split(separator: "\n")
            #expect(
                !lines.contains {
                    $0.hasPrefix("Requires=") || $0.hasPrefix("BindsTo=") || $0.hasPrefix("PartOf=")
                }
            )
            let elsewhere = try #require(LapseUnits(state: "/srv/50%").text(of: file)).split(separator: "\n")
            let changed = zip(lines, elsewhere).filter { $0 != $1 }.map { String($1) }
            let expected =
                file == .lapsePath
                ? "PathExists=/srv/50%%/orders/lapses"
                : #"ExecStart=/usr/bin/mitosis-agent --lapse-watch --state "/srv/50%%""#
            #expect(changed == [expected] && lines.count == elsewhere.count)
        }
    }

    /// From `Overall exposure level for UNIT: 3.0 OK`.
    private static func exposure(of unit: String) async throws -> Double {
        let arguments = ["security", "--offline=true", "--no-pager", unit]
        let output = try await Tool(["/usr/bin/systemd-analyze"] + arguments).output(step: "systemd-analyze")
        let words = output.split(whereSeparator: \.isWhitespace).map(String.init)
        let level = words.lastIndex(of: "level").map { words[$0...] } ?? []
        return try #require(level.lazy.compactMap { Double($0) }.first, "\(words.suffix(10))")
    }
}
