import Settings
import Testing

/// One replacement in a valid plan, and the whole of what is then said.
struct Mistake: Sendable, CustomTestStringConvertible {
    let old: String
    let new: String
    let said: [String]

    init(_ old: String, _ new: String, _ said: String...) { self.init(old, new, said: said) }

    init(_ old: String, _ new: String, said: [String]) {
        self.old = old
        self.new = new
        self.said = said
    }

    var testDescription: String { new.isEmpty ? "without \(old)" : new }
}

private let valid = """
    version: 1
    name: kafka-a
    pki: {directory: ./pki, coordinator: ops}
    source:
      servers:
        - {id: 1, host: s1, address: 198.51.100.11}
        - {id: 2, host: s2, address: 198.51.100.12, addresses: ["2001:db8::12"]}
        - {id: 3, host: s3, address: 198.51.100.13}
    destination:
      servers:
        - {id: 4, host: d1, address: 198.51.100.21}
        - {id: 5, host: d2, address: 198.51.100.22}
        - {id: 6, host: d3, address: 198.51.100.23}
      seeds: [4, 5]

    """

@Suite("Mistakes in plan files")
struct PlanMistakesTests {
    private static let mistakes = servers + ensembles + forms + kafka + waivers

    private static let waivers = [
        Mistake(
            "pki:",
            "waivers: [{check: clock, reason: lab}]\npki:",
            "p:3: 'clock' is no check of the preflight. Did you mean 'clocks'?"
        ),
        Mistake(
            "pki:",
            "waivers: [{check: everything, reason: lab}]\npki:",
            "p:3: 'everything' is no check of the preflight. `mitosis preflight` lists them all by name."
        ),
        Mistake(
            "pki:",
            "waivers:\n  - {check: destination-data, reason: it is only a little}\npki:",
            "p:4: 'destination-data' cannot be waived: the ensemble would be mixed with another history. "
                + "Mend what it finds, and remove the waiver."
        ),
        Mistake(
            "pki:",
            "waivers:\n  - {check: clocks, reason: lab}\n  - {check: clocks, reason: test}\npki:",
            "p:5: 'clocks' is waived on line 4 already. Remove one of the two."
        ),
        Mistake(
            "pki:",
            "waivers: [{check: clocks, reason: \" \"}]\npki:",
            "p:3: the waiver of 'clocks' has no reason. Write why you do without it: the end of the run repeats it."
        ),
    ]

    private static let servers = [
        Mistake(
            "id: 5,",
            "id: 4,",
            "p:12: id 4 is already used on line 11. Give every server an id of its own."
        ),
        Mistake("host: s2", "host: s1", "p:7: host 's1' is already listed on line 6. List every host once."),
        Mistake(
            "host: d3",
            "host: s3",
            "p:13: host 's3' is in the source as well (line 8): one host cannot be walled off from itself. "
                + "Use separate hosts for the destination."
        ),
        Mistake(
            "198.51.100.23",
            "198.51.100.11",
            "p:13: address 198.51.100.11 already belongs to 's1' (line 6). Give every server addresses of its own."
        ),
        Mistake(
            "198.51.100.23}",
            "198.51.100.23, addresses: [\"2001:DB8:0::12\"]}",
            "p:13: address 2001:db8::12 already belongs to 's2' (line 7). Give every server addresses of its own."
        ),
        Mistake(
            "198.51.100.21",
            "192.0.2.999",
            "p:11: '192.0.2.999' is neither an IP address nor a host name. Correct it (IPv6 without brackets)."
        ),
        Mistake(
            "198.51.100.21",
            "\"[2001:db8::21]\"",
            "p:11: '[2001:db8::21]' is neither an IP address nor a host name. Correct it (IPv6 without brackets)."
        ),
        Mistake(
            "2001:db8::12",
            "zk2.example",
            "p:7: 'zk2.example' is neither an IP address nor a host name. Correct it (IPv6 without brackets)."
        ),
        Mistake(
            "198.51.100.21",
            "127.0.0.1",
            "p:11: '127.0.0.1' is a loopback address, under which no other host can reach the server. "
                + "Use the address that its peers see."
        ),
        Mistake(
            "198.51.100.21",
            "zk4.example",
            "p:11: d1 is addressed by the name 'zk4.example', but rules need addresses. "
                + "Add 'addresses: [...]' with every IP address of the host."
        ),
        Mistake(
            "host: d1",
            "host: D_1",
            "p:11: 'host' is 'D_1', but must be 1 to 63 of a-z, 0-9, '.' and '-', starting and ending with "
                + "a letter or digit. Rename it."
        ),
        Mistake(
            "198.51.100.21}",
            "198.51.100.21, client_port: 2888}",
            "p:11: 'd1' uses port 2888 for two purposes. Give the client, quorum, election and agent ports "
                + "different numbers."
        ),
        Mistake(
            "198.51.100.21}",
            "198.51.100.21, agent_port: 3888, election_port: 4888}",
            "p:11: the agent of 'd1' listens on port 3888, which is a quorum or election port of another server "
                + "and would be blocked. Move the agent to another port."
        ),
        Mistake("id: 4,", "id: 256,", "p:11: 'id' must be from 1 to 255, but is 256."),
        Mistake("id: 4,", "id: 0,", "p:11: 'id' must be from 1 to 255, but is 0."),
        Mistake("host: d1, ", "", "p:11: 'host' is missing here. Add it."),
        Mistake(
            "198.51.100.21}",
            "198.51.100.21, config: zoo.cfg, service: /bin/x}",
            "p:11: 'config' is 'zoo.cfg', which is not absolute. Write the path on the server from '/'.",
            "p:11: 'service' is '/bin/x', which is no unit or service name. Write it as the agent's "
                + "configuration lists it."
        ),
    ]

    private static let ensembles = [
        Mistake(
            "    - {id: 6, host: d3, address: 198.51.100.23}\n",
            "",
            "p:10: the destination has 2 servers, but needs at least 3 to stay available while one of them restarts. "
                + "List all of its servers."
        ),
        Mistake(
            "  seeds: [4, 5]",
            "    - {id: 7, host: d4, address: 198.51.100.24}",
            "p:10: the destination has 4 servers, an even number, which tolerates no more failures than 3. "
                + "Use an odd number."
        ),
        Mistake(
            "destination:",
            "    - {id: 7, host: s4, address: 198.51.100.14}\ndestination:",
            "p:5: the source has 4 servers, an even number, which tolerates no more failures than 3. "
                + "Use an odd number.",
            "p:12: destination id 4 is lower than source id 7: a lower id cannot keep an election connection "
                + "open to a higher one. Give the destination ids above 7.",
            "p:13: destination id 5 is lower than source id 7: a lower id cannot keep an election connection "
                + "open to a higher one. Give the destination ids above 7.",
            "p:14: destination id 6 is lower than source id 7: a lower id cannot keep an election connection "
                + "open to a higher one. Give the destination ids above 7."
        ),
        Mistake(
            "seeds: [4, 5]",
            "seeds: [4, 5, 6]",
            "p:14: 3 seeds would outvote the source: 3 servers must stay a majority of 6. "
                + "Choose at most 2 seeds, or leave 'seeds' out."
        ),
        Mistake(
            "seeds: [4, 5]",
            "seeds: [4]",
            "p:14: 1 seed is too few: clients need two servers to survive a restart of one. "
                + "Choose at least 2, or leave 'seeds' out."
        ),
        Mistake(
            "seeds: [4, 5]",
            "seeds: [4, d1]",
            "p:14: seed 4 is listed twice. Remove one."
        ),
        Mistake(
            "seeds: [4, 5]",
            "seeds: [4, d9]",
            "p:14: seed 'd9' is not a destination server. Known: 4 (d1), 5 (d2), 6 (d3)."
        ),
        Mistake(
            "seeds: [4, 5]",
            "seeds: [s1, 4]",
            "p:14: seed 's1' is not a destination server. Known: 4 (d1), 5 (d2), 6 (d3)."
        ),
        Mistake(
            "version: 1",
            "version: 1\nstrategy: observers",
            "p:15: 'seeds' means nothing under 'strategy: observers', where every destination server joins. "
                + "Remove it, or use 'strategy: participants'."
        ),
    ]

    private static let forms = [
        Mistake("version: 1", "version: 2", "p:1: plan version 2 is not known. Write 'version: 1'."),
        Mistake("version: 1\n", "", "p:1: 'version' is missing here. Add it."),
        Mistake("name: kafka-a", "name:", "p:2: 'name' must be text, but is nothing."),
        Mistake(
            "name: kafka-a",
            "name: ''\nstrategy: participant\ndeadlnes: {}",
            "p:2: 'name' must be text, but is empty.",
            "p:3: 'strategy' is 'participant'. Choose one of: participants, observers.",
            "p:4: unknown key 'deadlnes'. Did you mean 'deadlines'?"
        ),
        Mistake("pki: {directory: ./pki, coordinator: ops}\n", "", "p:1: 'pki' is missing here. Add it."),
        Mistake(", coordinator: ops", "", "p:3: 'coordinator' is missing here. Add it."),
        Mistake(
            "host: s1, address",
            "host: s1, adress",
            "p:6: 'address' is missing here. Add it.",
            "p:6: unknown key 'adress'. Did you mean 'address'?"
        ),
        Mistake(
            "version: 1",
            "version: 1\nfirewall: {scope: all}\ndeadlines: {join_seconds: 1, restart_seconds: '60'}",
            "p:2: 'scope' is 'all'. Choose one of: quorum-ports, all-tcp.",
            "p:3: 'join_seconds' must be from 5 to 3600, but is 1.",
            "p:3: 'restart_seconds' must be a whole number without quotes, but is quoted text."
        ),
        Mistake(
            "version: 1",
            "version: 1\nwaivers: [{check: clock-skew}]",
            "p:2: 'reason' is missing here. Add it."
        ),
        Mistake(
            "source:",
            "name: b\nsource:",
            "p:4: 'name' stands here for the second time, first on line 2. Remove one of them."
        ),
        Mistake(
            "source:\n",
            "source: []\nfirewall:\n",
            "p:4: 'source' must be a mapping (key: value), but is a list.",
            "p:6: unknown key 'servers'. Known here: scope."
        ),
    ]

    @Test("each mistake is told with its line and its remedy", arguments: mistakes)
    func mistake(_ mistake: Mistake) throws {
        let text = valid.replacing(mistake.old, with: mistake.new, maxReplacements: 1)
        try #require(text != valid)
        #expect(
            Self.said(about: text)
                == mistake.said.map { $0.replacing("p:", with: "plan.yaml:", maxReplacements: 1) }
        )
    }

    @Test("the plan that the mistakes are made in is valid")
    func baseline() {
        #expect(Self.said(about: valid).isEmpty)
    }

    @Test("a plan that cannot be read says why")
    func unreadable() throws {
        let missing = #expect(throws: PlanError.self) {
            _ = try PlanReader.read(path: "/nonexistent/plan.yaml")
        }
        #expect(
            missing?.description == "/nonexistent/plan.yaml: cannot be read: No such file or directory. "
                + "Check the path and its permissions."
        )
        let folder = #expect(throws: PlanError.self) { _ = try PlanReader.read(path: "/etc") }
        #expect(folder?.description == "/etc: is not a regular file. Name a file.")
    }

    @Test("no shortened, doubled or shuffled plan crashes the reader")
    func mangled() {
        let lines = valid.split(separator: "\n", omittingEmptySubsequences: false)
        for index in lines.indices {
            var without = lines
            without.remove(at: index)
            _ = Self.said(about: without.joined(separator: "\n"))
            var twice = lines
            twice.insert(lines[index], at: index)
            _ = Self.said(about: twice.joined(separator: "\n"))
        }
        for length in 0..<valid.utf8.count {
            _ = Self.said(about: String(decoding: valid.utf8.prefix(length), as: UTF8.self))
        }
        for mark in ["{", "}", "[", ":", "- ", "&a ", "*a", "!t ", "'", "\t", "~", "-1", "\u{0}"] {
            for index in stride(from: 0, to: valid.utf8.count, by: 3) {
                var bytes = Array(valid.utf8)
                bytes.insert(contentsOf: mark.utf8, at: index)
                _ = Self.said(about: String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    private static func said(about text: String) -> [String] {
        do {
            let document = try YAMLDocument(bytes: Array(text.utf8), file: "plan.yaml")
            _ = try PlanReader.read(document)
            return []
        } catch {
            return "\(error)".split(separator: "\n").map(String.init)
        }
    }
}
