import ControlProtocol
import FoundationEssentials
import LabKit
import Settings
import Testing

/// Plans drafted by the real program from a real set-up, by the lab of `BrokerPreflightTests`.
extension BrokerPreflightTests {
    @Test("init drafts the lab's own plan from its hosts, which `plan` takes", .hangLimit)
    func drafted() async throws {
        let lab = try SharedLab.lab
        let inventory = try lab.writeInventory()
        let own = try PlanReader.read(path: lab.layout.plan)
        for options in [[], ["--standalone"]] {
            let path = lab.layout.root + "/drafted.yaml"
            defer { lab.forget(path) }
            let outcome = try await Coordinator(lab: lab).perform(["init", inventory, "-o", path] + options)
            #expect(outcome.status == 0, "\(outcome.diagnostics)")
            let drafted = try PlanReader.read(path: path)
            #expect(drafted.substance == own.substance)
            #expect((drafted.sharedInventory == nil) == (options == ["--standalone"]))
            let shown = try await Coordinator(lab: lab).perform(["plan", path])
            #expect(shown.status == 0, "\(shown.diagnostics)")
            let again = try await Coordinator(lab: lab).perform(["init", inventory, "-o", path] + options)
            #expect(again.status == 1 && again.diagnostics.contains("is there already"))
        }
    }

    @Test("init begins an inventory with the servers that one agent names", .hangLimit)
    func begun() async throws {
        let lab = try SharedLab.lab
        let address = lab.configuration.sourceHosts[0].ipv4
        let options = ["--from", "s1=\(address)", "--pki", lab.layout.root + "/pki", "--coordinator", "ops"]
        let path = lab.layout.root + "/begun.yaml"
        defer { lab.forget(path) }
        let outcome = try await Coordinator(lab: lab).perform(["init", "-o", path] + options)
        #expect(outcome.status == 0, "\(outcome.diagnostics)")
        #expect(outcome.output.contains("`mitosis init \(path) -o PLAN`"), "\(outcome.output)")
        let begun = try InventoryReader.read(path: path)
        #expect(begun.hosts.map(\.address) == lab.configuration.sourceHosts.map(\.ipv4))
        #expect(begun.hosts.map(\.host.description) == lab.configuration.sourceHosts.map(\.name))
    }

    @Test(
        "init asks which of two clusters moves; `plan` refuses the open question by its line",
        .hangLimit
    )
    func asked() async throws {
        let lab = try SharedLab.lab
        let bench = Bench(lab: lab)
        let inventory = try lab.writeInventory()
        let path = lab.layout.root + "/asked.yaml"
        defer { lab.forget(path) }
        let mend = try bench.rewrite(try bench.files("k3").kafkaConfiguration) {
            $0.replacing(":2181/kafka", with: ":2181/other")
        }
        let (outcome, answered): (Tool.Outcome, Tool.Outcome)
        do {
            outcome = try await Coordinator(lab: lab).perform(["init", inventory, "-o", path])
            answered = try await Coordinator(lab: lab).perform(["init", inventory, "--kafka", "/other"])
        } catch {
            // The lab is shared: whoever comes next finds its brokers as they were.
            try await mend()
            throw error
        }
        try await mend()
        #expect(outcome.status == 1)
        let question = "which Kafka cluster moves? the source has /kafka (k1, k2) and /other (k3)."
        #expect(outcome.diagnostics.contains("open question: \(question)"), "\(outcome.diagnostics)")
        let lines = try Folder.read(path).split(separator: "\n", omittingEmptySubsequences: false)
        let line = try #require(lines.firstIndex { $0.contains(question) })
        let refused = try await Coordinator(lab: lab).perform(["plan", path])
        #expect(refused.status == 1)
        #expect(refused.diagnostics.contains("\(path):\(line + 1): open question: \(question)"))
        #expect(answered.status == 0, "\(answered.diagnostics)")
        #expect(answered.output.contains("chroot: /other\n") && !answered.output.contains("host: k1"))
    }
}

extension Lab {
    /// Of every host with an agent, beside the plan.
    fileprivate func writeInventory() throws -> String {
        let path = layout.root + "/hosts.yaml"
        let hosts = configuration.servingHosts.map {
            "  - {host: \($0.name), address: \($0.ipv4), addresses: [\"\($0.ipv6)\"]}\n"
        }
        try Folder.write(
            "version: 1\nname: \(configuration.name)\n"
                + "pki: {directory: ./pki, coordinator: ops}\nhosts:\n\(hosts.joined())",
            to: path
        )
        return path
    }

    fileprivate func forget(_ path: String) {
        do { try Folder.remove(path) } catch { Issue.record(error) }
    }
}

extension MigrationPlan {
    /// What it does, and to whom; without the places of its lines, its journal and what is left out of the comparison, which nobody
    /// could know.
    fileprivate var substance: [String] {
        let servers = (source + destination).map {
            "\($0.id) \($0.host) \($0.address) \($0.allAddresses) \($0.agentAddress):\($0.agentPort) \($0.clientPort) "
                + "\($0.quorumPort) \($0.electionPort) \($0.service) \($0.configPath)"
        }
        let brokers = brokers.map {
            "\($0.id) \($0.host) \($0.address) \($0.agent.address):\($0.agent.port) \($0.service) \($0.configPath)"
        }
        return servers + brokers + [
            name, strategy.rawValue, "\(source.count)", "\(pki)", "\(selection)", scope.rawValue,
            "\(deadlines)", "\(waivers)",
            kafka?.chroot ?? "none", "\(kafka?.reads ?? 0)", "\(census)", "\(clients)", "\(tests)",
        ]
    }
}
