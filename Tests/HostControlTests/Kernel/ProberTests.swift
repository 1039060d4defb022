import ControlProtocol
import Testing
import Topology

@testable import HostControl

@Suite("Probing")
struct ProberTests {
    @Test("listening and closed ports are told apart, more than fit at a time, in the order asked for")
    func many() async throws {
        let listener = try Listener()
        let closed = try RealZooKeeper.freePort()
        let targets = (0..<300).map { index in
            ProbeTarget(address: listener.address, port: index.isMultiple(of: 3) ? closed : listener.port)
        }
        let results = await Prober.probe(targets)
        #expect(results.map(\.target) == targets)
        for (index, result) in results.enumerated() {
            #expect(result.answer == (index.isMultiple(of: 3) ? .refused : .connected))
        }
        #expect(await Prober.probe([]) == [])
    }

    @Test("no route is unreachable, not silence")
    func unreachable() async throws {
        // TCP has no way there, whatever routes the machine has.
        let address = try #require(IPAddress("255.255.255.255"))
        let port = try #require(Port(2888))
        let results = await Prober.probe([ProbeTarget(address: address, port: port)])
        #expect(results.map(\.answer) == [.unreachable])
    }
}
