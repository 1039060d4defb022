import Settings
import Testing

@Suite("proofs in plan files")
struct PlannedProofsTests {
    private static let kafka =
        "kafka: {chroot: /kafka, brokers: [{id: 1, host: k1, address: 198.51.100.31}]}\n"

    private func read(_ text: String) throws -> MigrationPlan {
        try PlanReader.read(try YAMLDocument(bytes: Array((PlanText.servers + text).utf8), file: "plan.yaml"))
    }

    @Test("without the section everything is proven, from the brokers' chroot on or from the root")
    func defaults() throws {
        let plain = try read("").proofs
        #expect(plain.path == "/" && plain.except.isEmpty && plain.rate == 2000 && plain.skipped.isEmpty)
        #expect(try read(Self.kafka).proofs.path == "/kafka")
    }

    @Test("each key is read")
    func keys() throws {
        let proofs = try read(
            Self.kafka + """
                proofs:
                  path: /
                  except: [/lab-source, /a/b]
                  nodes_per_second: 500
                  skip:
                    - {proof: smoketest, reason: the root is sealed}
                    - {proof: compare, reason: 40 GB}
                """
        ).proofs
        #expect(proofs.path == "/" && proofs.except == ["/lab-source", "/a/b"] && proofs.rate == 500)
        #expect(proofs.skipped == [.smokeTest: "the root is sealed", .comparison: "40 GB"])
    }

    @Test(
        "a path that is none, a rate of none, an unknown proof, a skip without a reason or twice are mistakes with their line",
        arguments: [
            ("{path: kafka}", "begins with a slash"), ("{path: /kafka/}", "begins with a slash"),
            ("{except: [/]}", "'except' is '/'"), ("{except: [/a//b]}", "'except' is '/a//b'"),
            ("{except: /a}", "except"), ("{nodes_per_second: 0}", "1"),
            ("{nodes_per_second: 1000001}", "1000000"),
            ("{skip: [{proof: latencies, reason: r}]}", "smoketest, compare, probe"),
            ("{skip: [{proof: compare, reason: ' '}]}", "without a reason"),
            ("{skip: [{proof: compare}]}", "reason"), ("{skip: [compare]}", "skip"), ("{rate: 5}", "rate"),
            ("{skip: [{proof: compare, reason: r}, {proof: compare, reason: s}]}", "twice"), ("[]", "proofs"),
        ]
    )
    func mistakes(_ text: String, _ word: String) throws {
        do {
            _ = try read("proofs: \(text)\n")
            Issue.record("\(text) was taken")
        } catch {
            #expect("\(error)".contains(":14: ") && "\(error)".contains(word), "\(error)")
        }
    }
}
