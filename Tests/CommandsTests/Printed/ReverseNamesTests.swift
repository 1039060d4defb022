import Glibc
import Synchronization
import Testing
import Topology

@testable import Commands

@Suite("Names of addresses by the resolver")
struct ReverseNamesTests {
    private let known: Set<IPAddress> = Set(["10.0.0.7", "10.0.0.8", "fd00::9"].compactMap { IPAddress($0) })

    @Test("each address is asked for once, also those without a name")
    func once() async {
        let asked = Mutex<[IPAddress]>([])
        let names = ReverseNames(patience: .seconds(60)) { address in
            asked.withLock { $0.append(address) }
            return address.family == .ipv6 ? nil : "h\(address.bytes[3]).example"
        }
        for _ in 0..<3 {
            let found = await names.names(of: known)
            #expect(Set(found.values) == ["h7.example", "h8.example"])
        }
        #expect(asked.withLock { $0.count } == known.count)
    }

    @Test("a resolver that does not answer holds nobody up, and is heard when it does")
    func slow() async {
        let isOpen = Mutex(false)
        let names = ReverseNames(patience: .milliseconds(50)) { address in
            while !isOpen.withLock({ $0 }) { usleep(1000) }
            return "late.example"
        }
        #expect(await names.names(of: known).isEmpty)
        isOpen.withLock { $0 = true }
        var found: [IPAddress: String] = [:]
        let end = ContinuousClock.now + .seconds(60)
        while found.count < known.count, ContinuousClock.now < end { found = await names.names(of: known) }
        #expect(Set(found.values) == ["late.example"] && found.count == known.count)
    }
}
