import Subprocess
import Testing

@testable import HostControl

@Suite("What the packet filter's programs are given to read")
struct PacketToolsTests {
    private let tools = PacketTools()

    @Test("all of it arrives, more than a pipe usually holds, too", arguments: [0, 1, 70_000, 900_000])
    func arrives(size: Int) async throws {
        let text = String(repeating: "x", count: size)
        let answer = try await tools.run("/usr/bin/cat", [], input: text)
        #expect(answer.output == text)
    }

    @Test("a program that ends without reading it is an answer like any other")
    func unread() async throws {
        let text = String(repeating: "x", count: 200_000)
        for _ in 0..<20 {
            let answer = try await tools.run("/usr/bin/false", [], input: text)
            #expect(answer.status == .exited(1))
        }
    }
}
