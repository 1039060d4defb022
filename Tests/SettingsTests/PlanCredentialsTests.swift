import Settings
import Testing

@Suite("credentials in plan files")
struct PlanCredentialsTests {
    private static let servers = """
        version: 1
        name: kafka-a
        pki: {directory: pki, coordinator: ops}
        source:
          servers:
            - {id: 1, host: s1, address: 198.51.100.11}
            - {id: 2, host: s2, address: 198.51.100.12}
            - {id: 3, host: s3, address: 198.51.100.13}
        destination:
          servers:
            - {id: 4, host: d1, address: 198.51.100.21}
            - {id: 5, host: d2, address: 198.51.100.22}
            - {id: 6, host: d3, address: 198.51.100.23}

        """

    private func read(_ text: String) throws -> MigrationPlan {
        try PlanReader.read(try YAMLDocument(bytes: Array(text.utf8), file: "/etc/plans/plan.yaml"))
    }

    @Test("the plan names a file beside it, and nothing without the section")
    func file() throws {
        #expect(try read(Self.servers).credentials == nil)
        let plan = try read(Self.servers + "auth: {scheme: digest, file: zk.secret}\n")
        #expect(plan.credentials?.path == "/etc/plans/zk.secret")
        #expect(plan.credentials?.line == 14)
        #expect(try read(Self.servers + "auth: {file: /run/secret}\n").credentials?.path == "/run/secret")
    }

    @Test("another scheme, a missing file and a secret in the plan itself are mistakes with their line")
    func mistakes() {
        for (text, word) in [
            ("auth: {scheme: sasl, file: x}", "digest"), ("auth: {scheme: digest}", "file"),
            ("auth: {file: x, password: y}", "password"),
        ] {
            do {
                _ = try read(Self.servers + text + "\n")
                Issue.record("\(text) was taken")
            } catch {
                #expect("\(error)".contains(":14: ") && "\(error)".contains(word), "\(error)")
            }
        }
    }
}
