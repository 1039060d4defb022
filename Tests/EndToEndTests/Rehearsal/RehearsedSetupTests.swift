import FoundationEssentials
import Rehearsals
import Testing

@Suite("What is handed over to a rehearsal")
struct RehearsedSetupTests {
    private func changed(_ old: String, _ new: String) throws -> [UInt8] {
        let text = String(decoding: try RehearsalValueTests.setup(brokers: [1, 2]).json(), as: UTF8.self)
        try #require(text.contains(old))
        return Array(text.replacing(old, with: new).utf8)
    }

    @Test("it is read as it was written")
    func whole() throws {
        let setup = RehearsalValueTests.setup(chroot: "/k", brokers: [1], clients: [.variable])
        #expect(try RehearsedSetup(reading: try setup.json()) == setup)
    }

    @Test(
        "another format, ids that cannot be, seeds of nobody, and texts that are no line are refused",
        arguments: [
            (#""format":1"#, #""format":2"#), (#""id":12"#, #""id":11"#), (#""id":12"#, #""id":256"#),
            (#""id":12"#, #""id":-9223372036854775808"#), (#""seeds":[22,23]"#, #""seeds":[22,22]"#),
            (#""seeds":[22,23]"#, #""seeds":[11]"#), (#""join":60"#, #""join":0"#),
            (#""plan":"kafka-a""#, #""plan":"kafka\n- {check: x}""#),
            (#""host":"zk12""#, #""host":"zk\u001b[2J""#), (#""no NTP""#, #""\u0085""#),
            (#""strategy":"participants""#, #""strategy":"other""#), (#""remarks":[]"#, #""remarks":{}"#),
        ]
    )
    func refused(old: String, new: String) throws {
        let bytes = try changed(old, new)
        #expect(throws: UnusableSetup.self) { try RehearsedSetup(reading: bytes) }
    }

    @Test("what is no such document, and one that is too large, is refused")
    func foreign() {
        for bytes in [[], Array("null".utf8), Array(String(repeating: "[", count: 100_000).utf8)] {
            #expect(throws: UnusableSetup.self) { try RehearsedSetup(reading: bytes) }
        }
        let large = [UInt8](repeating: 0x20, count: RehearsedSetup.sizeLimit + 1)
        #expect(throws: UnusableSetup.self) { try RehearsedSetup(reading: large) }
    }
}
