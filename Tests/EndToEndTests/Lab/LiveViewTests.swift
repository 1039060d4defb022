import FoundationEssentials
import LabKit
import Testing

/// A run on a terminal, watched with a viewer's certificate from a place without its journal.
@Suite(
    "The live view in a lab",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct LiveViewTests {
    /// A terminal that a command has to itself.
    private struct Terminal {
        let lab: Lab
        let name: String
        let size: (columns: Int, rows: Int)

        private var socket: String { "mitosis-\(lab.configuration.name)" }

        func open(_ command: String) async throws {
            let argv = [
                "tmux", "-L", socket, "-f", "/dev/null", "new-session", "-d", "-s", name, "-x",
                "\(size.columns)", "-y",
                "\(size.rows)",
                "\(command); echo exit status $?; exec sleep 1000",
            ]
            let outcome = try await lab.run(argv, on: lab.configuration.control)
            try #require(outcome.succeeded, "\(outcome.diagnostics)")
        }

        func lines() async throws -> [String] {
            let argv = ["tmux", "-L", socket, "capture-pane", "-p", "-t", name]
            return try await lab.run(argv, on: lab.configuration.control).output
                .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        }

        /// As soon as a line of it has the text.
        func lines(having text: String) async throws -> [String] {
            let deadline = ContinuousClock.now + .seconds(120)
            while true {
                let lines = try await lines()
                if lines.contains(where: { $0.contains(text) }) { return lines }
                try #require(
                    ContinuousClock.now < deadline,
                    "no '\(text)' in\n\(lines.joined(separator: "\n"))"
                )
                try await Task.sleep(for: .milliseconds(50))
            }
        }

        func close() async throws {
            _ = try await lab.run(["tmux", "-L", socket, "kill-server"], on: lab.configuration.control)
        }
    }

    @Test(
        "a run shows itself at 80x24 and at 200x50, a viewer elsewhere sees it too and disturbs nothing, and afterwards its lines stand there",
        .hangLimit,
        arguments: [(80, 24), (200, 50)]
    )
    func watched(_ columns: Int, _ rows: Int) async throws {
        let size = (columns: columns, rows: rows)
        try await LabFixture.withLab { lab in
            try await lab.up()
            let mitosis = lab.binaries.coordinator
            let coordinator = Coordinator(lab: lab)
            let issued = try await coordinator.perform(
                ["pki", "issue", "viewer", "watcher", "--directory", lab.layout.pki]
            )
            try #require(issued.succeeded, "\(issued.diagnostics)")
            // Elsewhere: the plan, a viewer's certificate, no journal and no key of a coordinator's.
            let other = lab.layout.control + "/elsewhere"
            try Folder.make(other + "/pki")
            try Folder.write(try Folder.read(lab.layout.plan), to: other + "/plan.yaml")
            for name in ["ca.pem", "ca.crl", "viewers"] {
                try FileManager.default.copyItem(
                    atPath: "\(lab.layout.pki)/\(name)",
                    toPath: "\(other)/pki/\(name)"
                )
            }
            for (options, hasPage) in [("", true), (" --no-live", false)] {
                let command = "\(mitosis) run \(lab.layout.plan) --yes --until preflight\(options)"
                let shown = try await lab.run(
                    ["script", "-qec", command, "/dev/null"],
                    on: lab.configuration.control
                )
                #expect(shown.succeeded && shown.output.contains("  ok  "), "\(shown)")
                #expect(shown.output.contains("\u{1b}[?1049h") == hasPage, "\(options): \(shown.output)")
            }
            let own = Terminal(lab: lab, name: "run", size: size)
            let far = Terminal(lab: lab, name: "watch", size: size)
            do {
                try await own.open("\(mitosis) run \(lab.layout.plan) --yes --events \(lab.layout.events)")
                try await far.open("\(mitosis) watch \(other)/plan.yaml --viewer watcher")

                // The stage is there before the first look at the hosts.
                var joining = try await far.lines(having: "[join ")
                let end = ContinuousClock.now + .seconds(60)
                while joining.contains(where: { $0.contains("[join ") }), ContinuousClock.now < end,
                    joining.count(where: { $0.contains(" follower ") || $0.contains(" leader ") }) < 2
                {
                    joining = try await far.lines()
                }
                #expect(joining.count { $0.contains(" follower ") || $0.contains(" leader ") } >= 2)
                #expect(joining.contains { $0.hasPrefix("step: ") })

                let dividing = try await own.lines(having: "WINDOW OPEN for ")
                #expect(dividing.first?.hasPrefix("mitosis \(lab.configuration.name)  run ") == true)
                #expect(dividing.contains { $0.contains("[division ") })
                #expect(dividing.count <= size.rows + 1 && dividing.allSatisfy { $0.count <= size.columns })
                let head = try #require(dividing.first { $0.hasPrefix("  host ") })
                // What there is room for.
                for (word, isWide) in [
                    ("role", false), ("zxid", false), ("lag", false), ("rules", false), ("waiting", true),
                    ("runs with", true), ("agent", true),
                ] {
                    #expect(head.contains(" \(word)") == (!isWide || size.columns > 80), "\(word): \(head)")
                }
                for host in lab.configuration.zooKeeperHosts {
                    #expect(dividing.contains { $0.dropFirst(2).hasPrefix("\(host.name) ") }, "\(host.name)")
                }

                let ended = try await own.lines(having: "exit status ")
                #expect(ended.contains("exit status 0"), "\(ended.joined(separator: "\n"))")
                #expect(ended.contains { $0.hasPrefix("finished in ") })
                let unseen = try await far.lines(having: "exit status ")
                #expect(unseen.contains { $0.hasPrefix("ended: no agent holds a lease") })
                let last = try await coordinator.perform([
                    "watch", other + "/plan.yaml", "--viewer", "watcher", "--once",
                ])
                #expect(
                    last.succeeded && last.output.contains("no run seen yet"),
                    "\(last.diagnostics)"
                )
            } catch {
                try await own.close()
                throw error
            }
            try await own.close()
            // By the journal, for who may read it.
            let once = try await coordinator.perform(["watch", lab.layout.plan, "--once"])
            #expect(
                once.succeeded && once.output.contains("ended: finished"),
                "\(once.diagnostics)\(once.output)"
            )
            let told = try await coordinator.perform(["history", lab.layout.plan, "--told"])
            let lines = told.output.split(separator: "\n")
            #expect(
                told.succeeded && lines.count { $0.contains("Z    ok  ") } > 10
                    && lines.contains { $0.contains("Z  finished in ") },
                "\(told.diagnostics)\(told.output)"
            )
        }
    }
}
