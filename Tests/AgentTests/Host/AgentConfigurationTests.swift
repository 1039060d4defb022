import AgentServer
import ControlProtocol
import Logs
import Settings
import Testing
import Topology

@Suite("agent.yaml")
struct AgentConfigurationTests {
    private static let good = """
        host: s1
        listen: {address: "0.0.0.0", port: 9760}
        tls: {certificate: /t/a.pem, key: /t/a.key, authority: /t/ca.pem, trust_domain: mitosis}
        state: /var/lib/mitosis
        firewall: {backend: nftables, protected_ports: [22], peers: [198.51.100.0/24]}
        files: [/etc/zoo.cfg]
        services: {manager: systemd, allow: [zookeeper.service]}
        zookeeper: {service: zookeeper.service, config: /etc/zoo.cfg}
        log_level: debug
        """

    private func read(_ text: String) throws -> AgentConfiguration {
        try AgentConfigurationReader.read(YAMLDocument(bytes: Array(text.utf8), file: "agent.yaml"))
    }

    @Test("the example in deploy/ is a valid configuration")
    func example() throws {
        let path = Repository.path("deploy/agent.yaml.example")
        let configuration = try AgentConfigurationReader.read(path: path)
        #expect(configuration.host.description == "s1")
        #expect(configuration.allowList.protectedPorts.map(\.number) == [22, 9760])
        #expect(configuration.zookeeper?.config == "/etc/zookeeper/conf/zoo.cfg")
        #expect(configuration.summary.contains("spiffe://mitosis/agent/s1"))
    }

    @Test("the log level is info unless the file says otherwise")
    func logLevel() throws {
        #expect(try read(Self.good).logLevel == .debug)
        #expect(try read(Self.good.replacing("log_level: debug", with: "")).logLevel == .info)
    }

    @Test("a command manager takes its services from the commands")
    func commands() throws {
        let text = Self.good.replacing(
            "{manager: systemd, allow: [zookeeper.service]}",
            with:
                "{manager: command, commands: {zookeeper.service: {start: [/a, b], stop: [/c], status: [/d]}}}"
        )
        #expect(try read(text).services.names == ["zookeeper.service"])
    }

    @Test("the Java of a server may be named, as a program and a class path")
    func java() throws {
        #expect(try read(Self.good).zookeeper?.java == nil)
        let text = Self.good.replacing(
            "/etc/zoo.cfg}",
            with: #"/etc/zoo.cfg, java: [/usr/bin/java, "/a:/b/*"]}"#
        )
        #expect(try read(text).zookeeper?.java == ["/usr/bin/java", "/a:/b/*"])
    }

    @Test(
        "a mistake is refused with its line and what to do",
        arguments: [
            ("host: s1", "host: S1", "agent.yaml:1: ", "the name that the certificate bears"),
            ("port: 9760", "port: 0", "agent.yaml:2: ", "from 1 to 65535"),
            ("\"0.0.0.0\"", "s1.example", "agent.yaml:2: ", "not an IP address"),
            ("key: /t/a.key, ", "", "agent.yaml:3: ", "'key' is missing"),
            ("/t/a.key", "t/a.key", "agent.yaml:3: ", "plain absolute path"),
            ("/var/lib/mitosis", "/var/../lib", "agent.yaml:4: ", "plain absolute path"),
            ("/var/lib/mitosis", "/srv", "agent.yaml:4: ", "directory of its own"),
            ("/var/lib/mitosis", "/etc/mitosis", "agent.yaml:4: ", "directory of its own"),
            ("nftables", "pf", "agent.yaml:5: ", "iptables-legacy"),
            ("198.51.100.0/24", "198.51.100.1/24", "agent.yaml:5: ", "host bits"),
            ("manager: systemd", "manager: upstart", "agent.yaml:7: ", "systemd or command"),
            ("allow: [zookeeper.service]", "allow: [zookeeper]", "agent.yaml:7: ", "whole name"),
            (
                "config: /etc/zoo.cfg}", "config: /etc/zoo.cfg, java: [java, /a]}", "agent.yaml:8: ",
                "list of two"
            ),
            (
                "config: /etc/zoo.cfg}", "config: /etc/zoo.cfg, java: [/java]}", "agent.yaml:8: ",
                "list of two"
            ),
            ("{service: zookeeper.service", "{service: zk.service", "agent.yaml:8: ", "Add it there"),
            ("config: /etc/zoo.cfg", "config: /etc/other.cfg", "agent.yaml:8: ", "among 'files'"),
            (
                "log_level: debug", "log_level: verbose", "agent.yaml:9: ",
                "one of debug, info, warning, error"
            ),
            ("state:", "stat:", "agent.yaml:4: ", "Did you mean 'state'"),
        ]
    )
    func mistakes(old: String, new: String, place: String, remedy: String) throws {
        let error = #expect(throws: YAMLError.self) { try read(Self.good.replacing(old, with: new)) }
        #expect(error?.description.contains(place) == true)
        #expect(error?.description.contains(remedy) == true)
    }

    @Test("every mistake of a file is told at once")
    func several() {
        let text = Self.good.replacing("host: s1", with: "host: S1").replacing("nftables", with: "pf")
        let error = #expect(throws: YAMLError.self) { try read(text) }
        #expect(error?.description.split(separator: "\n").count == 2)
    }
}
