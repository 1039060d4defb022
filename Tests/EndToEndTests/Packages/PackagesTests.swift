import FoundationEssentials
import LabKit
import Testing

/// A sample of `make packages-test`, without new systems and without a network.
@Suite(
    "The packages",
    .serialized,
    .countingIssues,
    .enabled(if: BuiltPackages.obstacle == nil, "\(BuiltPackages.obstacle ?? "")"),
    .hangLimit
)
struct PackagesTests {
    @Test("the same programs give the same bytes, and the checksums are theirs")
    func reproducible() async throws {
        let built = try await BuiltPackages.shared.value
        let names = try Folder.entries(built.folder).sorted()
        #expect(
            names == [
                "SHA256SUMS", "mitosis-agent_\(built.version)_amd64.deb",
                "mitosis-lab_\(built.version)_amd64.deb",
                "mitosis_\(built.version)_amd64.deb", "mitosis_\(built.program)_amd64.cdx.json",
                "mitosis_\(built.program)_amd64.tar.gz",
            ]
        )
        for name in names {
            let files = ["\(built.folder)/\(name)", "\(built.again)/\(name)"]
            let compared = try await Tool(["/usr/bin/cmp"] + files).outcome()
            #expect(compared.succeeded, "\(compared.diagnostics)")
        }
        let check = "cd \(built.folder) && sha256sum --check --strict SHA256SUMS"
        let summed = try await Tool(["/bin/sh", "-c", check]).outcome()
        #expect(summed.succeeded && summed.output.split(separator: "\n").count == 5, "\(summed)")
    }

    @Test("lintian finds neither an error nor a warning")
    func lintian() async throws {
        let built = try await BuiltPackages.shared.value
        let strict = ["/usr/bin/lintian", "--allow-root", "--fail-on", "error,warning"]
        let judged = try await Tool(strict + built.all).outcome()
        #expect(judged.succeeded && judged.output.isEmpty, "\(judged.diagnostics) \(judged.output)")
    }

    @Test("each is what it says: programs, unit, pages, completions, and no configuration that is in force")
    func contents() async throws {
        let built = try await BuiltPackages.shared.value
        let wanted = [
            "mitosis-agent": [
                "usr/bin/mitosis-agent", "lib/systemd/system/mitosis-agent.service",
                "lib/systemd/system/mitosis-lapse.path", "lib/systemd/system/mitosis-lapse.service",
                "usr/lib/tmpfiles.d/mitosis-agent.conf",
                "usr/lib/systemd/system-preset/80-mitosis-agent.preset",
                "usr/share/doc/mitosis-agent/examples/agent.yaml.example",
                "usr/share/man/man1/mitosis-agent.rules.clean.1.gz",
            ],
            "mitosis": [
                "usr/bin/mitosis", "usr/share/doc/mitosis/docs/packages.md",
                "usr/share/doc/mitosis/docs/figures/live.svg",
                "usr/share/doc/mitosis/examples/example-plan.yaml",
                "usr/share/man/man1/mitosis.pki.issue.agent.1.gz",
            ],
            "mitosis-lab": ["usr/bin/mitosis-lab", "usr/share/man/man1/mitosis-lab.run.1.gz"],
        ]
        for (name, files) in wanted {
            let listed = try await Tool(["/usr/bin/dpkg-deb", "--contents", built.package(name)]).output(
                step: "dpkg-deb"
            )
            let lines = listed.split(separator: "\n").map(String.init)
            let common = [
                "copyright", "changelog.gz", "changelog.Debian.gz", "README.md", "third-party-notices.txt.gz",
            ].map { "usr/share/doc/\(name)/\($0)" }
            let completions = [
                "bash-completion/completions/\(name)", "zsh/vendor-completions/_\(name)",
                "fish/vendor_completions.d/\(name).fish",
            ].map { "usr/share/" + $0 }
            for file in files + common + completions {
                // What is merged into /usr stands below it or not.
                #expect(
                    lines.contains { $0.hasSuffix("./" + file) || $0.hasSuffix("./usr/" + file) },
                    "\(name): \(file)"
                )
            }
            #expect(lines.allSatisfy { $0.contains(" root/root ") }, "\(name)")
            let settings = lines.filter { $0.contains(" ./etc/") && !$0.hasSuffix("/") }
            #expect(settings.isEmpty, "\(name): \(settings)")
        }
    }

    @Test("every dependency is one that Debian 12, 13 and Ubuntu 22.04 can meet")
    func dependencies() async throws {
        let built = try await BuiltPackages.shared.value
        // No newer than what the oldest of them, Ubuntu 22.04, has.
        let oldest = [
            "libc6": "2.35", "libgcc-s1": "12", "libssl3": "3.0.2", "libsqlite3-0": "3.37.2",
            "libstdc++6": "12",
            "libyaml-0-2": "0.2.5", "zlib1g": "1:1.2.11.dfsg",
        ]
        for name in ["mitosis-agent", "mitosis"] {
            let field = try await Tool(["/usr/bin/dpkg-deb", "--field", built.package(name), "Depends"])
                .output(
                    step: "dpkg-deb"
                )
            let libraries = field.split(separator: ",").map {
                $0.split(whereSeparator: { " ()\n".contains($0) }).map(String.init)
            }
            .filter { $0.first?.hasPrefix("lib") == true || $0.first == "zlib1g" }
            #expect(libraries.contains { $0.first == "libssl3" }, "\(field)")
            for library in libraries {
                let limit = try #require(
                    oldest[library[0]],
                    "\(name) needs \(library[0]): can all of them meet it?"
                )
                guard library.count > 2 else { continue }
                let compared = ["/usr/bin/dpkg", "--compare-versions", library[2], "le", limit]
                #expect(try await Tool(compared).outcome().succeeded, "\(name) needs \(library)")
            }
        }
    }

    @Test("the list of contents names every package that is compiled in, with its version")
    func listed() async throws {
        struct List: Decodable {
            struct Component: Decodable {
                let name: String
                let version: String
            }
            let bomFormat: String
            let components: [Component]
        }
        struct Resolved: Decodable {
            struct Pin: Decodable {
                struct State: Decodable { let version: String }
                let identity: String
                let state: State
            }
            let pins: [Pin]
        }
        let built = try await BuiltPackages.shared.value
        let path = "\(built.folder)/mitosis_\(built.program)_amd64.cdx.json"
        let list = try JSONDecoder().decode(List.self, from: Data(contentsOf: URL(filePath: path)))
        #expect(list.bomFormat == "CycloneDX")
        let resolved = URL(filePath: BuiltPackages.root + "/Package.resolved")
        for pin in try JSONDecoder().decode(Resolved.self, from: Data(contentsOf: resolved)).pins {
            let found = list.components.filter { $0.name == pin.identity }.map(\.version)
            #expect(found == [pin.state.version], "\(pin.identity)")
        }
        for name in [
            "libssl3", "libc6", "libyaml-0-2", "libsqlite3-0", "libzookeeper-mt-dev", "swift-runtime",
        ] {
            #expect(list.components.count { $0.name == name } == 1, "\(name)")
        }
    }

    @Test(
        "installed, it starts nothing; its removal is refused while rules of ours stand; a purge leaves nothing"
    )
    func wholeLife() async throws {
        let built = try await BuiltPackages.shared.value
        try await ThrowAwaySystem.with { system in
            try await Tool(["/bin/cp"] + built.all + [system.path + "/"]).output(step: "cp")
            let files = built.all.map { "/" + ($0.split(separator: "/").last ?? "") }
            let before = try await system.changed()
            // Whatever else the packages need, this system may lack; what they are is in question here.
            let installed = try await system.perform(["dpkg", "--force-depends", "--install"] + files)
            try #require(installed.succeeded, "\(installed.diagnostics)")
            for program in ["mitosis", "mitosis-agent"] {
                let told = try await system.perform([program, "--version"])
                #expect(told.output.hasPrefix("\(program) \(built.program) ("), "\(told.diagnostics)")
            }
            for path in [
                "etc/systemd/system/multi-user.target.wants/mitosis-agent.service", "etc/mitosis/agent.yaml",
            ] {
                #expect(!FileManager.default.fileExists(atPath: "\(system.path)/\(path)"), "\(path)")
            }

            let table = ["nft", "add", "table", "inet", "mitosis"]
            let chain = ["nft", "add", "chain", "inet", "mitosis", "input"]
            let rule = [
                "nft", "add", "rule", "inet", "mitosis", "input", "ip", "saddr", "198.51.100.7", "drop",
            ]
            for command in [table, chain, rule] {
                let added = try await system.perform(command)
                try #require(added.succeeded, "\(added.diagnostics)")
            }
            let refused = try await system.perform(["dpkg", "--remove", "mitosis-lab", "mitosis-agent"])
            #expect(
                !refused.succeeded && refused.errors.contains("rules of mitosis stand on this host"),
                "\(refused)"
            )
            #expect(refused.errors.contains("mitosis-agent rules clean --local"), "\(refused)")
            let still = try await system.perform(["mitosis-agent", "--version"])
            #expect(still.succeeded, "\(still.diagnostics)")
            // Upgrades go by the rules and leave them.
            let upgraded = try await system.perform(["dpkg", "--force-depends", "--install"] + files)
            #expect(upgraded.succeeded, "\(upgraded.diagnostics)")
            let standing = try await system.perform(["nft", "list", "table", "inet", "mitosis"])
            #expect(standing.output.contains("198.51.100.7"), "\(standing.diagnostics)")

            let cleaned = try await system.perform(["nft", "delete", "table", "inet", "mitosis"])
            try #require(cleaned.succeeded, "\(cleaned.diagnostics)")
            try Folder.make(system.path + "/var/lib/mitosis/backups")
            try Folder.write("host: s1\n", to: system.path + "/etc/mitosis/agent.yaml")
            let names = ["mitosis-lab", "mitosis-agent", "mitosis"]
            let removed = try await system.perform(["dpkg", "--remove"] + names)
            #expect(removed.succeeded, "\(removed.diagnostics)")
            #expect(FileManager.default.fileExists(atPath: system.path + "/etc/mitosis/agent.yaml"))
            for _ in 1...2 {
                let purged = try await system.perform(["dpkg", "--purge"] + names)
                #expect(purged.succeeded, "\(purged.diagnostics)")
            }
            let left = try await system.changed().subtracting(before).filter {
                $0.contains("mitosis") && FileManager.default.fileExists(atPath: system.path + $0)
            }
            #expect(left.isEmpty, "\(left.sorted())")
        }
    }
}
