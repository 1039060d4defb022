import FoundationEssentials
import LabKit
import Testing

/// What somebody does who has the packages, README.md, and hosts on which ZooKeeper and Kafka run, and nothing else of ours.
@Suite(
    "The first five minutes",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root"),
    .enabled(if: Lab.systemdObstacle() == nil, "\(Lab.systemdObstacle() ?? "")"),
    .enabled(if: SecureShell.obstacle() == nil, "\(SecureShell.obstacle() ?? "")"),
    .enabled(if: LabFixture.kafkaObstacle == nil, "\(LabFixture.kafkaObstacle ?? "")"),
    .enabled(if: BuiltPackages.obstacle == nil, "\(BuiltPackages.obstacle ?? "")")
)
struct FirstMinutesTests {
    @Test(
        "README's commands, word for word, lead from the packages to a passing preflight and a plan",
        .hangLimit
    )
    func readme() async throws {
        let commands = try Self.commands()
        try #require(commands.count >= 5, "\(commands)")
        let packages = try await BuiltPackages.shared.value
        try await LabFixture.withLab(mode: .systemd, agents: false, brokers: 1, sshd: true) { lab in
            try await lab.up()
            let newcomer = try await Newcomer.prepare(lab, packages)
            for command in commands {
                let began = ContinuousClock.now
                let outcome = try await newcomer.types(command)
                print("first minutes: \(ContinuousClock.now - began), \(command)")
                #expect(outcome.succeeded, "\(command): \(outcome.output) \(outcome.errors)")
                guard outcome.succeeded else { return }
                if command.contains("preflight") {
                    #expect(!outcome.output.contains("FAIL"), "\(outcome.output)")
                    #expect(outcome.output.contains("0 failed"), "\(outcome.output)")
                }
            }
            for host in lab.configuration.servingHosts {
                let wall = try await lab.inside(host, ["/usr/sbin/nft", "list", "tables"])
                #expect(wall.output == "", "the pilot left \(wall.output) on \(host.name)")
            }
        }
    }

    /// Those of "Use it" up to the last that changes nothing.
    private static func commands() throws -> [String] {
        let readme = try Folder.read(BuiltPackages.root + "/README.md")
        let section = try #require(readme.components(separatedBy: "## Use it").last)
        let block = try #require(section.components(separatedBy: "```").dropFirst().first)
        let lines = block.split(separator: "\n").map { line in
            line.components(separatedBy: " #")[0]
        }
        let own = lines.filter { $0.hasPrefix("mitosis ") }
        let last = try #require(own.firstIndex { $0.hasPrefix("mitosis plan ") })
        return Array(own[...last])
    }
}

/// The operator's machine: both packages unpacked over its /usr, an inventory in the working folder.
private struct Newcomer {
    let lab: Lab
    let unpacked: String
    let folder: String

    static func prepare(_ lab: Lab, _ built: BuiltPackages) async throws -> Newcomer {
        let newcomer = Newcomer(
            lab: lab,
            unpacked: lab.layout.control + "/unpacked",
            folder: lab.layout.control + "/newcomer"
        )
        for folder in [newcomer.unpacked, newcomer.folder] { try Folder.make(folder) }
        for name in ["mitosis", "mitosis-agent"] {
            try await Tool(["/usr/bin/dpkg-deb", "-x", built.package(name), newcomer.unpacked]).output(
                step: "dpkg-deb -x"
            )
        }
        // As on a system whose /lib is /usr/lib.
        let library = newcomer.unpacked + "/usr/lib"
        try Folder.make(library)
        try await Tool(["/bin/cp", "-a", newcomer.unpacked + "/lib/.", library]).output(step: "cp")
        try Folder.write(newcomer.inventory, to: newcomer.folder + "/hosts.yaml")
        return newcomer
    }

    private static func names(_ hosts: [LabHost]) -> String { hosts.map(\.name).joined(separator: ", ") }

    /// As docs/inventory.md has it: what can be found on the hosts is left to be found.
    private var inventory: String {
        let hosts = lab.configuration.servingHosts.map { "  - {host: \($0.name), address: \($0.ipv4)}" }
        return """
            version: 1
            name: payments
            pki: {directory: ./pki, coordinator: ops}
            defaults: {ssh: {user: root}}
            groups:
              zookeeper: {hosts: [\(Self.names(lab.configuration.zooKeeperHosts))], role: zookeeper}
              brokers: {hosts: [\(Self.names(lab.configuration.brokerHosts))], role: kafka}
            hosts:
            \(hosts.joined(separator: "\n"))

            """
    }

    /// A line at the shell's prompt of the control host.
    func types(_ line: String) async throws -> Tool.Outcome {
        let shell = """
            mount -t overlay overlay -o lowerdir="$0"/usr:/usr /usr && cd "$1" && shift && exec "$@"
            """
        let words = ["/bin/sh", "-c", shell, unpacked, folder, "/bin/sh", "-c", line]
        return try await lab.run(SecureShell(lab).reaching(words), on: lab.configuration.control)
    }
}
