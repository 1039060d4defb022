import Settings
import Testing

@Suite("credentials in plan files")
struct PlanCredentialsTests {
    private func read(_ text: String) throws -> MigrationPlan {
        try PlanReader.read(try YAMLDocument(bytes: Array(text.utf8), file: "/etc/plans/plan.yaml"))
    }

    @Test("the plan names a file beside it, and nothing without the section")
    func file() throws {
        #expect(try read(PlanText.servers).credentials == nil)
        let plan = try read(PlanText.servers + "auth: {scheme: digest, file: zk.secret}\n")
        #expect(plan.credentials?.path == "/etc/plans/zk.secret")
        #expect(plan.credentials?.line == 14)
        #expect(try read(PlanText.servers + "auth: {file: /run/secret}\n").credentials?.path == "/run/secret")
    }

    @Test("another scheme, a missing file and a secret in the plan itself are mistakes with their line")
    func mistakes() {
        for (text, word) in [
            ("auth: {scheme: sasl, file: x}", "digest"), ("auth: {scheme: digest}", "file"),
            ("auth: {file: x, password: y}", "password"),
        ] {
            do {
                _ = try read(PlanText.servers + text + "\n")
                Issue.record("\(text) was taken")
            } catch {
                #expect("\(error)".contains(":14: ") && "\(error)".contains(word), "\(error)")
            }
        }
    }
}
