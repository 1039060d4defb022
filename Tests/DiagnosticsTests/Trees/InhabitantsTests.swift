import Testing
import ZooKeeperClient

@testable import Trees

@Suite("who lives in an old copy, told")
struct InhabitantsTests {
    @Test("each owner with its nodes, and no more than five of them")
    func told() {
        let one = Inhabitant(session: SessionID(0x17), path: "/app/lock", count: 1)
        #expect(one.sentence == "session 0x17 owns /app/lock")
        let three = Inhabitant(session: SessionID(0x18), path: "/app/a\u{1B}[31m", count: 3)
        let text = "\(TreesError.inhabited(owners: [one, three], nodes: 4))"
        #expect(text.contains("4 ephemeral nodes are there") && text.contains("owns /app/lock; session 0x18"))
        #expect(text.contains(" and 2 more. ") && !text.contains("and 0 more") && !text.contains("\u{1B}"))
        let many = TreesError.inhabited(owners: (0..<7).map { _ in one }, nodes: 7)
        #expect("\(many)".contains("; and 2 sessions more. "), "\(many)")
    }
}
