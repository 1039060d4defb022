import Glibc
import SystemCalls
import Testing

@Suite("A program's input, written before it begins")
struct PrivatePipeTests {
    private func content(of descriptor: Int32) throws -> [UInt8] {
        var content: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &part, part.count)
            try #require(count >= 0)
            if count == 0 { return content }
            content += part.prefix(count)
        }
    }

    @Test(
        "all of it is there, also what no pipe holds at first, and then its end",
        arguments: [0, 1, 65_536, 300_000]
    )
    func whole(_ count: Int) throws {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let reading = try PrivatePipe.holding(bytes)
        defer { close(reading) }
        #expect(try content(of: reading) == bytes)
    }

    @Test("nobody reading it harms nobody")
    func unread() throws {
        #expect(close(try PrivatePipe.holding([UInt8](repeating: 7, count: 70_000))) == 0)
    }
}
