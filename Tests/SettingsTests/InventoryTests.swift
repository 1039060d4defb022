import ControlProtocol
import Settings
import Testing
import Topology

private func read(_ text: String) throws(YAMLError) -> Inventory {
    try InventoryReader.read(YAMLDocument(bytes: Array(text.utf8), file: "fleet/i.yaml"))
}

private func problems(_ text: String) -> [String] {
    do {
        _ = try read(text)
        return []
    } catch {
        return "\(error)".split(separator: "\n").map(String.init)
    }
}

private let head = "version: 1\nname: f\npki: {directory: pki, coordinator: ops}\n"

private func example(_ name: String) -> String {
    #filePath.replacing("Tests/SettingsTests/InventoryTests.swift", with: "deploy/\(name)")
}

@Suite("Inventories")
struct InventoryTests {
    @Test("the example in deploy is a valid inventory, and means what it says")
    func example() throws {
        let inventory = try InventoryReader.read(path: SettingsTests.example("example-inventory.yaml"))
        #expect(
            inventory.hosts.map(\.host.description) == ["s1", "s2", "s3", "d1", "d2", "d3", "k1", "k2", "k3"]
        )
        #expect(inventory.hosts.map(\.address)[1] == "198.51.100.12")
        #expect(inventory.groups.map(\.name) == ["source", "destination", "zookeeper", "brokers"])
        #expect(inventory.groups[2].hosts.count == 6)
        #expect(inventory.pki.trustDomain == "mitosis" && inventory.pki.directory.hasSuffix("/deploy/pki"))
        let s2 = try #require(HostName("s2").flatMap(inventory.host))
        #expect(s2.settings.role == .zookeeper && s2.settings.service == "zookeeper.service")
        #expect(s2.settings.backend == .nftables && s2.groups == ["source", "zookeeper"])
        #expect(s2.settings.ssh.user == "admin" && s2.settings.ssh.sudo == true)
        let d3 = try #require(HostName("d3").flatMap(inventory.host))
        #expect(d3.agent.address == "203.0.113.23" && d3.address == "zk6.example")
        #expect(d3.allAddresses.map(\.description) == ["198.51.100.23", "2001:db8::23"])
        #expect(d3.settings.manager == .command && d3.settings.commands?["zookeeper"]?.start.count == 3)
        // A level says what it says key by key: the user is still that of the defaults.
        #expect(d3.settings.ssh.port?.number == 2222 && d3.settings.ssh.user == "admin")
        #expect(d3.settings.ssh.jump?.map(\.host) == ["bastion.example"])
    }

    @Test("a range keeps its zeros, counts in order, and pairs names with addresses")
    func ranges() throws {
        let inventory = try read(
            head + "hosts:\n- {host: \"zk[08-10,20].x\", address: \"198.18.0.[8-10,20]\", agent_port: 9000}\n"
        )
        #expect(inventory.hosts.map(\.host.description) == ["zk08.x", "zk09.x", "zk10.x", "zk20.x"])
        #expect(
            inventory.hosts.map(\.address) == ["198.18.0.8", "198.18.0.9", "198.18.0.10", "198.18.0.20"]
        )
        #expect(inventory.hosts.allSatisfy { $0.agent.port.number == 9000 })
        let many = try read(head + "hosts:\n- {host: \"h[1-1000]\", address: \"198.18.[0-3].[1-250]\"}\n")
        #expect(many.hosts.count == 1000)
        #expect(many.hosts[250].address == "198.18.1.1")
    }

    @Test(
        "a mistake is named with its line and what to do",
        arguments: [
            ("hosts: []\n", "4: 'hosts' is empty. List at least one host"),
            ("host: x\n", "4: unknown key 'host'"),
            ("hosts:\n- {host: \"a[3-1]\"}\n", "5: 'host' is 'a[3-1]', which has '3-1' in brackets"),
            ("hosts:\n- {host: \"a[1-3\"}\n", "5: 'host' is 'a[1-3', which has a bracket without"),
            ("hosts:\n- {host: \"a[1-99999]\"}\n", "5: 'host' is 'a[1-99999]', which stands for more than"),
            ("hosts:\n- {host: \"a[]\"}\n", "5: 'host' is 'a[]', which has brackets with nothing"),
            ("hosts:\n- {host: \"a[x-z]\"}\n", "5: 'host' is 'a[x-z]', which has 'x-z' in brackets"),
            (
                "hosts:\n- {host: \"a[1-3]\", address: \"198.18.0.[1-2]\"}\n",
                "5: 'address' stands for 2 and 'host' for 3."
            ),
            ("hosts:\n- {host: a}\n- {host: \"[a]\"}\n", "6: 'host' is '[a]', which has 'a' in brackets"),
            ("hosts:\n- {host: a1}\n- {host: \"a[1-2]\"}\n", "6: host 'a1' is already listed on line 5"),
            ("hosts:\n- {host: A}\n", "5: 'host' is 'A', but must be"),
            ("hosts:\n- {host: a, address: 127.0.0.1}\n", "5: '127.0.0.1' is a loopback address"),
            ("hosts:\n- {host: a, address: 1.2.3}\n", "5: '1.2.3' is neither an IP address nor"),
            (
                "hosts:\n- {host: a, address: 198.18.0.1}\n- {host: b, address: 198.18.0.1}\n",
                "6: address 198.18.0.1 of 'b' already belongs to 'a' (line 5)"
            ),
            ("hosts:\n- {host: a, role: db}\n", "5: 'role' is 'db'. Choose one of: zookeeper, kafka, other."),
            ("hosts:\n- {host: a, config: zoo.cfg}\n", "5: 'zoo.cfg' is not a plain absolute path"),
            ("hosts:\n- {host: a, backend: pf}\n", "5: 'backend' is 'pf'. Choose one of: nftables"),
            ("hosts:\n- {host: a, peers: [198.51.100.7/24]}\n", "5: '198.51.100.7/24' is not a block"),
            ("hosts:\n- {host: a, service: \"-x\"}\n", "5: 'service' is '-x', which is no unit"),
            ("hosts:\n- {host: a, role: [zookeeper, kafka]}\n", "5: 'role' must be text"),
            ("hosts:\n- {host: a, manager: command}\n", "5: 'a' has 'manager: command' and no 'commands'"),
            ("hosts:\n- {host: a, hold: perhaps}\n", "5: 'hold' must be"),
            (
                "hosts:\n- {host: a, hold: true, manager: command, commands: {z: {start: [/a], stop: [/a], status: [/a]}}}\n",
                "5: 'a' has 'hold: true', which belongs to 'manager: systemd'"
            ),
            ("hosts:\n- {host: a, ssh: {user: \"-l root\"}}\n", "5: 'user' is '-l root', which is no user's"),
            (
                "hosts:\n- {host: a, ssh: {options: [\"StrictHostKeyChecking=no\"]}}\n",
                "5: 'StrictHostKeyChecking=no' is no option of ssh."
            ),
            (
                "hosts:\n- {host: a, ssh: {options: [\"proxycommand=sh -c id\"]}}\n",
                "5: 'proxycommand=sh -c id' is no option of ssh."
            ),
            (
                "hosts:\n- {host: a, ssh: {options: [\"PKCS11Provider=/tmp/a.so\"]}}\n",
                "5: 'PKCS11Provider=/tmp/a.so' is no option of ssh."
            ),
            (
                "hosts:\n- {host: a, ssh: {options: [\"securitykeyprovider=/tmp/a.so\"]}}\n",
                "5: 'securitykeyprovider=/tmp/a.so' is no option of ssh."
            ),
            ("hosts:\n- {host: a, ssh: {user: \"\"}}\n", "5: 'user' must be text, but is empty"),
            ("hosts:\n- {host: a, ssh: {identity: \"\"}}\n", "5: 'identity' must be text, but is empty"),
            ("hosts:\n- {host: a, ssh: {jump: \"\"}}\n", "5: 'jump' must be text, but is empty"),
            ("hosts:\n- {host: a, service: \"\"}\n", "5: 'service' must be text, but is empty"),
            (
                "hosts:\n- {host: a, services: [\"\"]}\n",
                "5: each item of 'services' must be text, but is empty"
            ),
            ("hosts:\n- {host: a, state: /srv}\n", "5: '/srv' is not for an agent's state"),
            (
                "defaults: {state: /etc/mitosis/tls}\nhosts:\n- {host: a}\n",
                "4: '/etc/mitosis/tls' is not for"
            ),
            ("groups: {g: {hosts: [b*]}}\nhosts:\n- {host: a}\n", "4: 'b*' is no host and no group"),
            ("groups: {a: {hosts: [a]}}\nhosts:\n- {host: a}\n", "4: 'a' is a host as well"),
            (
                "groups:\n  g: {hosts: [a], role: kafka}\n  h: {hosts: [a], role: other}\nhosts:\n- {host: a}\n",
                "6: 'a' is in two groups that say different things about 'role': 'g' (line 5) and 'h'."
            ),
        ]
    )
    func mistakes(text: String, said: String) {
        let found = problems(head + text)
        #expect(found.contains { $0.hasPrefix("fleet/i.yaml:\(said)") }, "\(found)")
    }

    @Test(
        "a jump is a host, with a user and a port if need be, and nothing that a shell could take for more",
        arguments: [
            ("b.example", ["- b.example -"]), ("ssh://op@b_1:2222", ["op b_1 2222"]),
            ("dom@op@[2001:db8::1]:22,b", ["dom@op 2001:db8::1 22", "- b -"]), ("none", []),
            ("a,", nil), ("-oA", nil), ("a:", nil), ("a:99999", nil), ("a:0", nil), ("@a", nil),
            ("a;id", nil), ("$(id)", nil), ("a'b", nil), ("%h", nil), ("2001:db8::1", nil), ("[a", nil),
            ("-l@a", nil), ("a b", nil), ("a@-b", nil), ("[::1]x", nil),
        ] as [(String, [String]?)]
    )
    func jumps(text: String, expected: [String]?) throws {
        let inventory = head + "hosts:\n- {host: a, ssh: {jump: \"\(text)\"}}\n"
        guard let expected else {
            #expect(problems(inventory).contains { $0.contains("5: 'jump' is '\(text)', which is no host") })
            return
        }
        let jumps = try #require(try read(inventory).hosts.first?.settings.ssh.jump)
        #expect(
            jumps.map { "\($0.user ?? "-") \($0.host) \($0.port.map { "\($0)" } ?? "-")" } == expected
        )
    }

    @Test(
        "a state directory is one of an agent's own",
        arguments: [
            ("/var/lib/mitosis", true), ("/srv/mitosis", true), ("/data", true), ("/usr/local/mitosis", true),
            ("/opt/mitosis/state", true), ("/home/op/mitosis", true), ("/etc/x/y", true), ("/srv", false),
            ("/etc", false), ("/etc/ssh", false), ("/etc/mitosis", false), ("/var/lib", false),
            ("/usr", false),
            ("/usr/bin", false), ("/usr/lib/systemd", false), ("/usr/local/bin", false), ("/home/op", false),
            ("/var/lib/mitosis-install", false), ("/var/lib/mitosis-install/stage", false),
            ("/proc/1", false),
            ("/etc/systemd/system", false), ("/usr/bin/mitosis-agent", false), ("/tmp", false), ("/", false),
            ("relative", false),
        ]
    )
    func states(path: String, isRight: Bool) {
        #expect((StatePlace.plain(path) == path) == isRight)
    }

    @Test("every mistake is reported at once, in the order of the file")
    func all() {
        let found = problems("version: 2\nname: F\nhosts:\n- {host: a, role: x}\n- {host: a}\n")
        #expect(
            found.map { $0.prefix(15) } == [
                "fleet/i.yaml:1:", "fleet/i.yaml:1:", "fleet/i.yaml:2:", "fleet/i.yaml:4:", "fleet/i.yaml:5:",
            ]
        )
    }

    @Test(
        "hosts of a limit",
        arguments: [
            ("a1", ["a1"]), ("g", ["a1", "a2"]), ("a*", ["a1", "a2", "a10"]), ("a?", ["a1", "a2"]),
            ("a[1-2],b", ["a1", "a2", "b"]), ("!b", ["a1", "a2", "a10"]), ("g,!a2", ["a1"]),
            ("*,!g,!b", ["a10"]),
        ]
    )
    func limits(text: String, expected: [String]) throws {
        let inventory = try read(
            head + "groups: {g: {hosts: [a1, a2]}}\nhosts: [{host: \"a[1,2,10]\"}, {host: b}]\n"
        )
        let chosen = try HostPattern(text).hosts(of: inventory)
        #expect(inventory.restricted(to: chosen).hosts.map(\.host.description) == expected)
    }

    @Test(
        "a limit that names nothing is refused",
        arguments: [
            ("c", "'c' is no host and no group"), ("", "names no host"),
            ("a[1-3]", "'a3' is no host and no group"),
            ("a1,!a1", "leaves no host"), ("a[", "'a[' has a bracket"), ("brvo", "Did you mean 'bravo'?"),
            ("!", "names no host"),
        ]
    )
    func wrongLimits(text: String, said: String) throws {
        let inventory = try read(head + "hosts: [{host: \"a[1-2]\"}, {host: bravo}]\n")
        let error = #expect(throws: HostPattern.Fault.self) { try HostPattern(text).hosts(of: inventory) }
        #expect("\(try #require(error))".contains(said), "\(String(describing: error))")
    }
}
