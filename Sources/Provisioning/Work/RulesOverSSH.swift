package import ControlProtocol
package import Fleet
import FoundationEssentials
import Printable
package import Settings
package import SystemCalls

/// Hosts whose agents do not answer, looked at and cleaned by the agent's program over the system's ssh.
///
/// `mitosis-agent rules list|clean --local` needs neither a running agent nor certificates. What it sees of rules, lease and ZooKeeper
/// is judged as an agent's status is, so that nothing is allowed that an agent would have been spared.
package struct RulesOverSSH: AgentlessCleaning {
    private static let program = "/usr/bin/mitosis-agent"

    private let hosts: [HostName: InventoryHost]
    private let password: String?
    private let ssh: String
    private let pace: ConnectionPace

    /// - Parameters:
    ///   - password: sudo's, for every host.
    ///   - newPerSecond: new connections a second.
    package init(
        _ inventory: Inventory,
        password: String?,
        newPerSecond: Int = 20,
        ssh: String = "ssh",
        timing: Timing = .system
    ) {
        hosts = Dictionary(inventory.hosts.map { ($0.host, $0) }) { first, _ in first }
        self.password = password
        self.ssh = ssh
        pace = ConnectionPace(perSecond: newPerSecond, timing: timing)
    }

    package func look(at host: HostName) async -> RulesLook {
        switch await run(["rules", "list", "--local", "--json"], on: host) {
        case .notRun(let reason): return .silent(reason: reason)
        case .exited(0, let output, _):
            do throws(WireProblem) {
                let report = try WireJSON.decode(
                    LocalRulesReport.self,
                    from: WireText.printable(Data(output.utf8))
                )
                return .seen(RulesFacts(report))
            } catch {
                return .silent(
                    reason:
                        "what \(Self.program) said there cannot be understood (\(error)); is it of this version?"
                )
            }
        case .exited(let status, _, let errors): return .silent(reason: Self.told(status, errors))
        }
    }

    package func clean(_ host: HostName, _ facts: RulesFacts, force: Bool) async -> CleaningBoard.Outcome {
        let words = ["rules", "clean", "--local"] + (force ? ["--force"] : [])
        switch await run(words, on: host) {
        case .exited(0, _, _): return .clean(removed: facts.count)
        case .exited(let status, _, let errors): return .failed(reason: Self.told(status, errors))
        // It may have been cleaned nevertheless, which the next look tells.
        case .notRun(let reason): return .unreachable(reason: reason)
        }
    }

    private func run(_ words: [String], on host: HostName) async -> SSHErrand.Ending {
        guard let settings = hosts[host] else { return .notRun(reason: "it is no host of this inventory") }
        await pace.turn()
        return await SSHErrand(host: settings, password: password, ssh: ssh).run([Self.program] + words)
    }

    /// The program's own last words; a shell has some of its own.
    private static func told(_ status: Int32, _ errors: String) -> String {
        if status == 127 || status == 126 {
            return "there is no \(program) on it that runs; install one: mitosis agents install"
        }
        let last = errors.split(separator: "\n").suffix(3).joined(separator: " / ")
        let said = PrintableText(last, limit: 400).description
        return "\(program) ended with status \(status): \(said.isEmpty ? "it said nothing" : said)"
    }
}
