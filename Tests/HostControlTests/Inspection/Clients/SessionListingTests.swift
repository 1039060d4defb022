import ControlProtocol
import SystemCalls
import Testing
import Topology

@testable import HostControl

@Suite("A server's answer to cons")
struct SessionListingTests {
    private static func session(_ id: Int64, _ address: String, _ timeout: Int? = nil) throws
        -> ClientsReport.Session
    {
        ClientsReport.Session(
            id: SessionNumber(id),
            address: try #require(IPAddress(address)),
            timeout: timeout
        )
    }

    @Test("connections of 3.4 to 3.9 are read, those without a session are nobody's")
    func forms() throws {
        let text = """
             /10.0.0.1:5000[1](queued=0,recved=1,sent=1,sid=0x1000a8c5b9d0000,lop=SESS,est=1700000000000,to=18000,lcxid=0x0,lzxid=0xffffffffffffffff,lresp=1,llat=0,minlat=0,avglat=0,maxlat=0)
             app7.example/10.0.0.7:41234[1](queued=0,recved=12,sent=12,sid=0xff00000000000001,lop=PING,est=1,to=6000,lzxid=0x1,lresp=3,llat=0,minlat=0,avglat=0,maxlat=3)
             /127.0.0.1:41235[0](queued=0,recved=1,sent=0)


            """
        let expected = try [
            Self.session(0x0100_0a8c_5b9d_0000, "10.0.0.1", 18_000),
            Self.session(Int64(bitPattern: 0xff00_0000_0000_0001), "10.0.0.7", 6000),
        ]
        #expect(SessionListing.parse(text) == .sessions(expected, areWhole: true))
        #expect(SessionListing.parse("\n") == .sessions([], areWhole: true))
    }

    @Test(
        "addresses of IPv6 are read as every Java writes them",
        arguments: [
            ("/0:0:0:0:0:0:0:1:5000", "::1"), ("/[0:0:0:0:0:0:0:1]:5000", "::1"),
            ("/2001:db8:0:0:0:0:0:7:5000", "2001:db8::7"), ("/[fe80:0:0:0:0:0:0:7%eth0]:5000", "fe80::7"),
            ("/fe80:0:0:0:0:0:0:7%2:5000", "fe80::7"), ("name/[2001:db8:0:0:0:0:0:7]:5000", "2001:db8::7"),
            ("/[0:0:0:0:0:ffff:a00:7]:5000", "10.0.0.7"),
        ]
    )
    func sixth(_ place: String, _ address: String) throws {
        let text = " \(place)[1](queued=0,recved=1,sent=1,sid=0x5,lop=PING)\n"
        #expect(SessionListing.parse(text) == .sessions([try Self.session(5, address)], areWhole: true))
    }

    @Test(
        "a line that is none of these makes the list one that is not whole",
        arguments: [
            " null[0](queued=0,recved=1,sent=1,sid=0x5,lop=PING)", " /10.0.0.1[1](queued=0,recved=1,sent=1)",
            " /10.0.0.1:70000[1](queued=0,recved=1,sent=1)", " /10.0.0.1:5000(queued=0,recved=1,sent=1)",
            " /10.0.0.1:5000[1](queued=0,recved=1,sent=1,sid=0x5", " /10.0.0.1:5000[1](recved=1)",
            " /10.0.0.1:5000[1](queued=0,sid=5)", " /10.0.0.1:5000[1](queued=0,sid=0x5,sid=0x6)",
            " /10.0.0.1:5000[x](queued=0,sid=0x5)", " /app7:5000[1](queued=0,sid=0x5)",
            " /10.0.0.1:5000[1](queued=0,sid=0x00112233445566778)", " /10.0.0.1:5000[1](queued=0,foo)",
            "hello",
            " /10.0.0.1:5000[1](queued=0,x=\(String(repeating: "y", count: 1000)))",
        ]
    )
    func strict(_ line: String) throws {
        let good = " /10.0.0.2:5000[1](queued=0,recved=1,sent=1,sid=0x7,lop=PING)"
        #expect(
            SessionListing.parse(good + "\n" + line + "\n")
                == .sessions([try Self.session(7, "10.0.0.2")], areWhole: false)
        )
    }

    @Test("a server that does not allow it, or does not serve, says nothing of sessions")
    func silent() {
        guard
            case .silent(let reason) = SessionListing.parse(
                "cons is not executed because it is not in the whitelist.\n"
            )
        else {
            Issue.record("taken")
            return
        }
        #expect(reason.contains("whitelist"))
        let looking = SessionListing.parse("This ZooKeeper instance is not currently serving requests\n")
        #expect(looking == .silent(reason: "it does not serve at the moment"))
    }

    @Test(
        "a timeout that is none is not known, and takes nothing from the session",
        arguments: [
            "to=0", "to=-1", "to=x", "to=", "to=99999999999999999999", "to=3155760000001", "to=5,to=6",
            "too=5",
        ]
    )
    func timeouts(_ field: String) throws {
        let text = " /10.0.0.1:5000[1](queued=0,sid=0x5,lop=PING,\(field),lresp=1)\n"
        #expect(SessionListing.parse(text) == .sessions([try Self.session(5, "10.0.0.1")], areWhole: true))
    }

    @Test("an answer that was cut is not whole")
    func cut() {
        #expect(SessionListing.parse("", isCut: true) == .sessions([], areWhole: false))
    }

    @Test("a server with connections on its secure port too has not told all of them")
    func secure() throws {
        let plain = try #require(Port(2181))
        let secure = try #require(Port(2281))
        let address = try #require(IPAddress("10.0.0.1"))
        let listing = SessionListing.sessions([try Self.session(5, "10.0.0.1")], areWhole: true)
        func report(_ ports: [Port]) -> ClientsReport {
            ClientLook.report(
                [plain, secure],
                ports.map { .init(address: address, port: $0, count: 1) },
                listing,
                plain: plain
            )
        }
        #expect(report([plain]).sessionsAreWhole)
        #expect(!report([plain, secure]).sessionsAreWhole)
        #expect(report([plain, secure]).sessionsObstacle?.contains("2181") == true)
        let unread = ClientLook.report([plain], nil, listing, plain: plain)
        #expect(unread.connections == nil && unread.obstacle != nil && !unread.sessionsAreWhole)
        let unasked = ClientLook.report([plain], [], nil, plain: plain)
        #expect(unasked.sessions == nil && unasked.connections == [])
    }
}

@Suite("Connections with a server's ports for clients")
struct ClientConnectionsTests {
    @Test("are the server's ends of them, added up by address and port, whichever family they come in")
    func counted() throws {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100000A:0885 0700000A:A001 01 00000000:00000000 00:00000000 00000000     0        0 1
               1: 0100000A:0885 0700000A:A002 01 00000000:00000000 00:00000000 00000000     0        0 2
               2: 0100000A:0885 0800000A:A003 08 00000000:00000000 00:00000000 00000000     0        0 3
               3: 0100000A:A004 0900000A:0885 01 00000000:00000000 00:00000000 00000000     0        0 4
               4: 0100000A:08E9 0700000A:A005 01 00000000:00000000 00:00000000 00000000     0        0 5
               5: 0000000000000000FFFF00000100000A:0885 0000000000000000FFFF00000700000A:A006 01 00000000:00000000 00:00000000 00000000     0        0 6
               6: 0100000A:0B40 0700000A:A007 01 00000000:00000000 00:00000000 00000000     0        0 7
            """
        let plain = try #require(Port(2181))
        let secure = try #require(Port(2281))
        let address = try #require(IPAddress("10.0.0.7"))
        let ends = ClientConnections.established(TCPTable.parse(table))
        #expect(
            ClientConnections.count(ends, on: [plain, secure]) == [
                .init(address: address, port: plain, count: 3),
                .init(address: address, port: secure, count: 1),
            ]
        )
        #expect(ClientConnections.read(ports: []) == [])
    }
}
