import ControlProtocol
import FoundationEssentials
import SystemCalls
import Testing
import Topology

@Suite("What others say, where it is decoded", .timeLimit(.minutes(10)))
struct WireJSONTests {
    /// Every number of `value`, replaced by each of the literals, is refused by the name under which it stands.
    private func expectBounded<Value: Codable & Bounded & Equatable>(_ value: Value, atLeast count: Int)
        throws
    {
        let places = try EdgeNumbers.places(in: value)
        #expect(places.count >= count)
        let whole = try #require(places.first).text
        #expect(try WireJSON.decode(Value.self, from: Data(whole.utf8)) == value)
        for place in places {
            for literal in EdgeNumbers.literals {
                let error = #expect(throws: WireProblem.self, "\(place.key): \(literal)") {
                    try WireJSON.decode(Value.self, from: place.saying(literal))
                }
                let text = try #require(error).description
                #expect(text.contains(place.key), "\(place.key): \(literal): \(text)")
            }
        }
    }

    @Test("no number of a status is believed beyond its bound, and the field is named")
    func status() throws { try expectBounded(try Sample.fullStatus(), atLeast: 45) }

    @Test("nor is one of a command's answer")
    func outcomes() throws {
        let service = ServiceReport(
            service: "zookeeper",
            oldPID: 6,
            newPID: 7,
            stopMilliseconds: 11,
            startMilliseconds: 12
        )
        for result in [CommandResult.detached(report: try Sample.fullReport()), .service(report: service)] {
            try expectBounded(CommandEvent.finished(outcome: .done(result: result)), atLeast: 4)
        }
        try expectBounded(CommandEvent.progress(message: "at it", milliseconds: 5), atLeast: 1)
        let held = try Sample.fullStatus().lease
        let refusals = [
            Refusal.superseded(highest: FencingEpoch(3)), .epochTooFar(highest: FencingEpoch(3)),
            .leaseHeld(state: held),
        ]
        for refusal in refusals {
            try expectBounded(CommandOutcome.refused(refusal: refusal), atLeast: 1)
            try expectBounded(ErrorReply(error: "no", refusal: refusal), atLeast: 1)
        }
    }

    @Test("nor is one of what an agent is asked")
    func requests() throws {
        let wall = try #require(try Sample.fullStatus().rules.wall)
        try expectBounded(LeaseRequest(lease: try Sample.lease(), secondsToLive: 60), atLeast: 2)
        let commands = [
            Command.service(request: ServiceRequest(service: "a", action: .restart, replacing: 7)),
            .detach(request: DetachRequest(service: "a", pid: 7, wall: wall, seconds: 9)),
            .installWall(wall: wall),
        ]
        let id = try #require(CommandID("c"))
        for command in commands {
            try expectBounded(CommandRequest(id: id, lease: try Sample.lease(), command: command), atLeast: 2)
        }
        let target = ProbeTarget(
            address: try #require(IPAddress("198.51.100.2")),
            port: try #require(Port(3888))
        )
        try expectBounded(ProbeRequest(targets: [target]), atLeast: 1)
        try expectBounded(ProbeReply(results: [ProbeResult(target: target, answer: .refused)]), atLeast: 1)
    }

    @Test("a range of transactions that ends before it begins is refused")
    func backwards() throws {
        let text = try #require(try EdgeNumbers.places(in: try Sample.fullStatus()).first).text
            .replacing(#""first":"0x500000003""#, with: #""first":"0xffffffffffffffff""#)
        let error = #expect(throws: WireProblem.self) {
            try WireJSON.decode(HostStatus.self, from: Data(text.utf8))
        }
        #expect(error?.description.hasPrefix("zookeeper.data.missing.0 is ") == true)
    }

    @Test("a text that is nested too deep, or has too many parts, or too long a number, is not decoded")
    func sizes() async throws {
        let deep = String(repeating: "[", count: 200_000)
        let wrapped = #"{"error":"x","refusal":"# + String(repeating: #"{"a":"#, count: 100_000)
        let wide = #"{"error":"x","more":["# + String(repeating: "0,", count: 2_100_000) + "0]}"
        let long = #"{"error":"x","more":"# + String(repeating: "9", count: 1_000_000) + "}"
        for (text, objection) in [
            (deep, "it is nested 200000 deep; at most 64 is read"), (wrapped, "it is nested 100001 deep"),
            (wide, "parts; at most 2000000 are read"), (long, "it holds a number of 1000000 characters"),
        ] {
            // On a stack as small as the agent's threads for disks have.
            let problem = await BlockingThread.run { () -> String in
                do throws(WireProblem) {
                    return "\(try WireJSON.decode(ErrorReply.self, from: Data(text.utf8)))"
                } catch {
                    return "\(error)"
                }
            }
            #expect(problem.contains(objection), "\(problem.prefix(200))")
        }
    }

    @Test("what is as deep as is read fits on a small stack")
    func deepest() async {
        let text =
            #"{"error":"x","more":"# + String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
            + "}"
        let problem = await BlockingThread.run { () -> String? in
            do throws(WireProblem) {
                _ = try WireJSON.decode(ErrorReply.self, from: Data(text.utf8))
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(problem == nil)
    }

    @Test("names that come twice, and what is no JSON, are told as such or read, and end nothing")
    func oddities() throws {
        let status = try #require(try EdgeNumbers.places(in: try Sample.fullStatus()).first).text
        let twice = status.replacing(
            #""javaProperties":{"a":"b"}"#,
            with: #""javaProperties":{"a":"b","a":"c"}"#
        )
        #expect(
            try WireJSON.decode(HostStatus.self, from: Data(twice.utf8)).zookeeper?.javaProperties?.count == 1
        )
        for text in ["", "\"", "\"\\", "{", "nul", "\u{0}", "[1,2", #"{"error":"\ud800"}"#, "-", "1e"] {
            #expect(throws: WireProblem.self) { try WireJSON.decode(ErrorReply.self, from: Data(text.utf8)) }
        }
        #expect(throws: WireProblem.self) {
            try WireJSON.decode(ErrorReply.self, from: Data([0xFF, 0xFE, 0x00]))
        }
    }

    @Test("JSON in wider characters, in which depth could hide, is not read")
    func wide() {
        let text = "{\"error\":\"\u{2200}\",\"more\":" + String(repeating: "[", count: 400)
        let wide = Data(text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] })
        for bytes in [wide, Data([0xFF, 0xFE, 0x7B, 0, 0x7D, 0])] {
            let error = #expect(throws: WireProblem.self) {
                try WireJSON.decode(ErrorReply.self, from: bytes)
            }
            #expect(error?.description == "it is no UTF-8: it holds a byte of zero")
        }
    }

    @Test("arithmetic that would leave its type stays at the edge")
    func saturating() {
        #expect(Int64.max.plus(saturating: 1) == .max && Int64.min.plus(saturating: -1) == .min)
        #expect(Int64.min.minus(saturating: 1) == .min && Int64.max.minus(saturating: -1) == .max)
        #expect(Int64(0).minus(saturating: .min) == .max && Int64(-1).minus(saturating: .min) == .max)
        #expect(UInt64(3).minus(saturating: 4) == 0 && UInt64.max.plus(saturating: 1) == .max)
        #expect(Int64.max.times(saturating: 2) == .max && Int64.max.times(saturating: -2) == .min)
        #expect(Int64.min.times(saturating: -1) == .max && UInt64.max.times(saturating: 3) == .max)
        #expect(Int64(7).plus(saturating: 5) == 12 && Int64(7).minus(saturating: 9) == -2)
    }

    @Test("after the highest epoch there is none, and what is beyond reach is told from what is not")
    func epochs() {
        #expect(FencingEpoch(6).successor == FencingEpoch(7) && FencingEpoch.highest.successor == nil)
        #expect(FencingEpoch(.max).successor == nil)
        #expect(!FencingEpoch(1_000_000).isBeyondReach(of: FencingEpoch(0)))
        #expect(FencingEpoch(1_000_001).isBeyondReach(of: FencingEpoch(0)))
        #expect(FencingEpoch(.max).isBeyondReach(of: FencingEpoch(0)))
        #expect(!FencingEpoch(0).isBeyondReach(of: FencingEpoch(.max)))
    }
}
