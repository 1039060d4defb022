import FoundationEssentials
import LabKit
import Rehearsals
import Testing

/// `mitosis rehearse` of a set-up that is itself a lab, whose agents answer.
@Suite(
    "A rehearsal",
    .serialized,
    .countingIssues,
    .enabled(if: LabFixture.isPossible, "a lab needs root")
)
struct RehearseTests {
    /// Faults need hosts with systemd.
    private static let options = Lab.systemdObstacle() == nil ? ["--faults", "1"] : ["--hosts", "processes"]

    @Test(
        "it has the set-up's settings and data, its report says what it was, the plan's test is run against it, a fault strikes, and nothing is left",
        .hangLimit
    )
    func whole() async throws {
        try await LabFixture.withLab(filling: try TreeFilling(znodes: 50, znodeSize: 10)) { lab in
            try await lab.up()
            let name = "test\(UInt32.random(in: 0..<1_000_000))"
            let (page, marker) = (lab.layout.control + "/rehearsal.html", lab.layout.control + "/was-run")
            let script = "echo $MITOSIS_WHEN $MITOSIS_SOURCE > \(marker)"
            _ = try Bench(lab: lab).addToPlan {
                $0
                    + "\ntests:\n  - {name: mine, run: [sh, -c, \"\(script)\"], seconds: 30, when: [rehearse]}\n"
                    + "  - {name: theirs, run: [/bin/false], when: [after]}\n"
            }
            let before = try Coordinator(lab: lab).configurations()
            let ended = try await Coordinator(lab: lab).perform(
                ["rehearse", lab.layout.plan, "--name", name, "--html", page, "--nodes", "40"] + Self.options
            )
            #expect(ended.succeeded, "\(ended.output.suffix(3000))\(ended.errors.suffix(1000))")
            for word in [
                "s1 (source)", "predicted", "passed  mine", "not tried  theirs", "trees        equal",
                "Nothing was lost, and nothing is left.", "The rehearsal went as it must.", "as --nodes says",
            ] {
                #expect(ended.output.contains(word), "\(word): \(ended.output.suffix(3000))")
            }
            #expect(!ended.output.contains("no agent"))
            #expect(try Folder.read(marker).hasPrefix("rehearse 198.51.100.11:2181"))
            let html = try Folder.read(page)
            #expect(html.contains("id=\"rehearsal\"") && html.contains("as --nodes says"))
            if Lab.systemdObstacle() == nil {
                let passed =
                    #/passed  boot on d1, division\.[a-z-]+ begun: .*; 0 of \d+ writes lost, no rule left/#
                #expect(try passed.firstMatch(in: ended.output) != nil, "\(ended.output.suffix(3000))")
                #expect(html.contains("boot on d1"))
            } else {
                #expect(html.contains("No fault was tried."))
            }
            // What it was rehearsed of has not been touched, and of the rehearsal nothing runs.
            #expect(try Coordinator(lab: lab).configurations() == before)
            #expect(!FileManager.default.fileExists(atPath: lab.layout.journal))
            // The set-up of a fault has a folder of its own, which is gone when it has passed.
            let own = try [name, name + "f"].map {
                Lab(try LabConfiguration(name: $0), binaries: lab.binaries)
            }
            for own in own { #expect(try await own.leftNamespaces().isEmpty) }
            #expect(FileManager.default.fileExists(atPath: own[0].layout.rehearsal))
            #expect(!FileManager.default.fileExists(atPath: own[1].layout.root))
            for own in own { try await own.down(purge: true) }
        }
    }

    @Test(
        "a file that is no report is not replaced, faults of plain processes are none, and both are refused before anything begins"
    )
    func foreignFile() async throws {
        let lab = Lab(try LabConfiguration(name: "help"), binaries: try Binaries.find())
        let folder =
            FileManager.default.temporaryDirectory.path + "/rehearse-\(UInt32.random(in: 0..<1_000_000))"
        try Folder.make(folder)
        let page = folder + "/notes.html"
        try Folder.write("mine\n", to: page)
        try Folder.write(
            """
            version: 1
            name: a
            pki: {directory: ./pki, coordinator: ops}
            source: {servers: [{id: 1, host: s1, address: 192.0.2.1}, {id: 2, host: s2, address: 192.0.2.2}, {id: 3, host: s3, address: 192.0.2.3}]}
            destination: {servers: [{id: 4, host: d1, address: 192.0.2.4}, {id: 5, host: d2, address: 192.0.2.5}, {id: 6, host: d3, address: 192.0.2.6}]}

            """,
            to: folder + "/plan.yaml"
        )
        let ended = try await Tool([
            lab.binaries.coordinator, "rehearse", folder + "/plan.yaml", "--html", page,
        ]).outcome()
        #expect(
            ended.status == 1 && ended.errors.contains("is there and is no report of mitosis"),
            "\(ended.diagnostics)"
        )
        #expect(try Folder.read(page) == "mine\n")
        #expect(!ended.output.contains("hosts:"))
        let nowhere = try await Tool([
            lab.binaries.coordinator, "rehearse", folder + "/plan.yaml", "--html", folder + "/none/page.html",
        ]).outcome()
        #expect(nowhere.status == 1 && nowhere.errors.contains("cannot be written there"))
        // Five faults; that there is no systemd for them is said before anybody is asked.
        let plain = try await Tool([
            lab.binaries.coordinator, "rehearse", folder + "/plan.yaml", "--hosts", "processes", "--faults",
        ]).outcome()
        #expect(
            plain.status == 64 && plain.errors.contains("--faults needs hosts with systemd"),
            "\(plain.diagnostics)"
        )
        #expect(try Folder.entries(folder) == ["notes.html", "plan.yaml"])
        try Folder.remove(folder)
    }
}
