import Glibc
import SystemCalls
import Testing
import Topology

@testable import HostControl

@Suite("The kernel's socket table over netlink")
struct SocketDiagnosisTests {
    @Test("a connection shows from both ends until it is closed")
    func bothEnds() throws {
        let listener = try Listener()
        let (opened, begun) = Connection.begin(listener.address, listener.port)
        let client = try #require(opened)
        let deadline = ContinuousClock.now + .seconds(2)
        try #require(begun == .connected || Connection.wait(client, for: POLLOUT, until: deadline))
        let found = try #require(SocketDiagnosis.established()).filter { $0.involves(listener.port) }
        #expect(found.count == 2)
        #expect(
            found.allSatisfy {
                [$0.local.address, $0.remote.address] == [listener.address, listener.address]
            }
        )
        #expect(Set(found.map(\.local.port)) == Set(found.map(\.remote.port)))
        close(client)
        let left = try #require(SocketDiagnosis.established()).filter { $0.involves(listener.port) }
        #expect(left.isEmpty)
    }

    @Test("it agrees with /proc/net/tcp")
    func agrees() throws {
        let listener = try Listener()
        let client = try #require(Connection.begin(listener.address, listener.port).descriptor)
        defer { close(client) }
        let table = try #require(KernelText.read("/proc/self/net/tcp"))
        let hexadecimal = String(listener.port.number, radix: 16, uppercase: true)
        let lines = table.split(separator: "\n").filter { line in
            let fields = line.split(separator: " ")
            return fields[3] == "01" && fields[1...2].contains { $0.hasSuffix(":\(hexadecimal)") }
        }
        let entries = try #require(SocketDiagnosis.established()).filter { $0.involves(listener.port) }
        #expect(entries.count == lines.count && lines.count == 2)
    }

    @Test("one socket serves for many questions, also behind one that the kernel did not know")
    func oneSocket() throws {
        let listener = try Listener()
        guard var socket = NetlinkSocket(4) else {
            Issue.record("no socket")
            return
        }
        #expect(socket.ask(type: 99, flags: Netlink.single, body: [0, 0, 0, 0]) == nil)
        let all = [UInt8](repeating: 0, count: 52) + Netlink.bytes(of: UInt32.max) + [0, 0, 0, 0]
        for _ in 0..<100 {
            let found = socket.ask(type: 18, flags: Netlink.dump, body: all) ?? []
            #expect(found.contains { $0.payload.dropFirst(4).starts(with: listener.port.wire) })
        }
    }

    @Test("a question that the kernel does not know gets no answer, not an empty one")
    func unknownQuestion() {
        #expect(Netlink.ask(4, type: 99, flags: Netlink.single, body: [0, 0, 0, 0]) == nil)
        #expect(Netlink.ask(31, type: 18, flags: Netlink.dump, body: []) == nil)
    }
}

extension Port {
    fileprivate var wire: [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }
}

extension SocketDiagnosis.Entry {
    fileprivate func involves(_ port: Port) -> Bool { local.port == port || remote.port == port }
}
