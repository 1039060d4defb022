import ControlProtocol
import FoundationEssentials
import Testing
import Topology

@Suite("What an agent says of writes is bounded")
struct WritesReportTests {
    private func report(_ write: String, count: Int = 1, more: String = "") throws(WireProblem)
        -> WritesReport
    {
        let writes = [String](repeating: write, count: count).joined(separator: ",")
        let json =
            #"{"hasMore":false,"count":1,"expired":0,"unread":0\#(more),"writes":[\#(writes)]}"#
        return try WireJSON.decode(from: Data(json.utf8))
    }

    private static let write =
        #"{"zxid":"0x5","at":1,"kind":"create","path":"/a","session":"0x7","address":"10.0.0.7"}"#

    @Test("a report comes back as it was")
    func roundTrip() throws {
        let sent = WritesReport(
            first: Zxid(1),
            last: Zxid(5),
            place: LogPlace(log: Zxid(1), offset: 16, zxid: Zxid(5)),
            hasMore: true,
            gap: "purged",
            count: 1,
            countApart: 4,
            expired: 2,
            unread: 3,
            writes: [
                .init(zxid: Zxid(5), at: 1, kind: .setACL, path: "/a", session: SessionNumber(-1))
            ]
        )
        let data = try JSONEncoder().encode(sent)
        #expect(try WireJSON.decode(WritesReport.self, from: data) == sent)
        #expect(try report(Self.write, count: WritesReport.most).writes.count == WritesReport.most)
    }

    @Test(
        "what cannot be is not believed",
        arguments: [
            (#""zxid":"0x5""#, #""zxid":"5""#), (#""at":1"#, #""at":9000000000000000"#),
            (#""create""#, #""sync""#), (#""0x7""#, #""0x0""#), ("10.0.0.7", "app7"),
        ]
    )
    func odd(_ from: String, _ to: String) {
        let write = Self.write.replacing(from, with: to)
        #expect(write != Self.write)
        #expect(throws: WireProblem.self) { try report(write) }
    }

    @Test("nor are lists that are longer than an agent makes them, and places before a file")
    func lengths() {
        #expect(throws: WireProblem.self) { try report(Self.write, count: WritesReport.most + 1) }
        let place = #","place":{"log":"0x1","offset":-1,"zxid":"0x1"}"#
        #expect(throws: WireProblem.self) { try report(Self.write, more: place) }
    }

    @Test("nor is a question that leaves out more sessions than an agent takes")
    func apart() throws {
        let ask = { (count: Int) throws(WireProblem) in
            let sessions = [String](repeating: #""0x7""#, count: count).joined(separator: ",")
            let json = #"{"trees":["/a"],"after":"0x1","apart":[\#(sessions)]}"#
            return try WireJSON.decode(WritesRequest.self, from: Data(json.utf8))
        }
        #expect(try ask(1000).apart?.count == 1000)
        #expect(throws: WireProblem.self) { try ask(1001) }
        let earlier = Data(#"{"trees":["/a"],"after":"0x1"}"#.utf8)
        #expect(try WireJSON.decode(WritesRequest.self, from: earlier).apart == nil)
    }

    @Test("sessions get the addresses that are known, and keep what they have")
    func located() throws {
        let address = try #require(IPAddress("10.0.0.8"))
        let known = try report(Self.write)
        #expect(known.locating([SessionNumber(7): address]) == known)
        let unknown = try report(Self.write.replacing(#","address":"10.0.0.7""#, with: ""))
        #expect(unknown.locating([SessionNumber(7): address]).writes.first?.address == address)
        #expect(unknown.locating([:]) == unknown)
    }
}
