import MutualTLS
import NIOCore
import Testing

@Suite("The first TLS record")
struct FirstRecordTests {
    /// A record that announces `length` bytes, with a message of `type` that announces `message`, and `sent` bytes of it.
    private func judged(
        length: Int,
        type: UInt8 = 1,
        message: Int,
        sent: Int
    ) -> FirstRecord.Judgement {
        var first = FirstRecord()
        let header: [UInt8] = [22, 3, 1, UInt8(length >> 8), UInt8(length & 0xFF)]
        let start: [UInt8] = [type, UInt8(message >> 16), UInt8(message >> 8 & 0xFF), UInt8(message & 0xFF)]
        let bytes = header + (start + Array(repeating: 0, count: 70_000)).prefix(sent)
        // As it may come: in two pieces.
        first.append(ByteBuffer(bytes: bytes.prefix(3)))
        first.append(ByteBuffer(bytes: bytes.dropFirst(3)))
        return first.judgement
    }

    @Test("a hello is waited for until its record is whole")
    func whole() {
        #expect(judged(length: 516, message: 512, sent: 0) == .incomplete)
        #expect(judged(length: 516, message: 512, sent: 515) == .incomplete)
        #expect(judged(length: 516, message: 512, sent: 516) == .whole)
        #expect(judged(length: 516, message: 512, sent: 600) == .whole)
        #expect(FirstRecord().judgement == .incomplete)
    }

    @Test("a hello that announces more than its record holds is refused before it is there")
    func oversized() {
        for (length, type, message) in [
            (512, UInt8(1), 131_000), (512, 1, 509), (3, 1, 0), (0, 1, 0), (0x4001, 1, 100), (0xFFFF, 1, 100),
            (512, 2, 100), (512, 0, 100),
        ] {
            guard case .refused = judged(length: length, type: type, message: message, sent: 10) else {
                Issue.record("\(length) \(type) \(message)")
                continue
            }
        }
    }

    @Test("what is no TLS is left to be named by OpenSSL")
    func other() {
        var first = FirstRecord()
        first.append(ByteBuffer(string: "GET "))
        #expect(first.judgement == .incomplete)
        first.append(ByteBuffer(string: "/"))
        #expect(first.judgement == .whole)
    }
}
