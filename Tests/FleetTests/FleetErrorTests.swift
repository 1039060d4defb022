import AgentClient
import ControlProtocol
import Testing

@testable import Fleet

@Suite("What the procedure is told of a call that gave no result")
struct FleetErrorTests {
    private struct Case {
        let met: AgentClientError
        let told: FleetError
        let text: String
    }

    /// One for every way in which a client ends without a result.
    private static func cases(of host: HostName) -> [Case] {
        [
            Case(
                met: .unreachable(host: host, reason: "connection refused"),
                told: .unreachable(host: host, reason: "connection refused"),
                text:
                    "s1: its agent cannot be reached (connection refused); see that mitosis-agent runs and its port "
                    + "is open"
            ),
            Case(
                met: .replyLost(host: host, reason: "no answer for 10.0 s"),
                told: .replyLost(host: host, reason: "no answer for 10.0 s"),
                text:
                    "s1: the connection to its agent was lost (no answer for 10.0 s); what was asked may have happened"
            ),
            Case(
                met: .refused(host: host, status: 503, reply: ErrorReply(error: "the agent is stopping")),
                told: .unreachable(host: host, reason: "the agent is stopping"),
                text:
                    "s1: its agent cannot be reached (the agent is stopping); see that mitosis-agent runs and its port "
                    + "is open"
            ),
            Case(
                met: .refused(host: host, status: 409, reply: ErrorReply(error: "no", refusal: .noLease)),
                told: .refused(host: host, refusal: .noLease),
                text: "s1: its agent refused: no lease is in force for this run; ask for one first"
            ),
            Case(
                met: .refused(host: host, status: 403, reply: ErrorReply(error: "a viewer may only look")),
                told: .broken(host: host, reason: "a viewer may only look"),
                text: "s1: a viewer may only look"
            ),
            Case(
                met: .identity(host: host, reason: "the peer presented no certificate"),
                told: .broken(
                    host: host,
                    reason:
                        "the agent of s1 and this side do not trust each other: the peer presented no certificate"
                ),
                text:
                    "s1: the agent of s1 and this side do not trust each other: the peer presented no certificate"
            ),
            Case(
                met: .protocolViolation(host: host, detail: "not HTTP"),
                told: .broken(
                    host: host,
                    reason:
                        "s1's agent answered what this version does not understand: not HTTP; compare the versions"
                ),
                text:
                    "s1: s1's agent answered what this version does not understand: not HTTP; compare the versions"
            ),
            Case(
                met: .overlong(host: host, after: .seconds(900)),
                told: .broken(
                    host: host,
                    reason:
                        "the agent of s1 says after 900.0 seconds still that it is at what was asked, which is longer than "
                        + "that takes: it may have happened; look at that host and its agent"
                ),
                text:
                    "s1: the agent of s1 says after 900.0 seconds still that it is at what was asked, which is longer than "
                    + "that takes: it may have happened; look at that host and its agent"
            ),
            Case(
                met: .unbelievable(host: host, detail: "in its HostStatus clock is 7, not 8 to 9"),
                told: .broken(
                    host: host,
                    reason:
                        "s1's agent says what cannot be: in its HostStatus clock is 7, not 8 to 9. Nothing of it is "
                        + "believed; look at that host and its agent"
                ),
                text:
                    "s1: s1's agent says what cannot be: in its HostStatus clock is 7, not 8 to 9. Nothing of it is "
                    + "believed; look at that host and its agent"
            ),
        ]
    }

    @Test("each way in which a call fails is told by its kind, with the host and what to do")
    func mapping() throws {
        for one in Self.cases(of: try #require(HostName("s1"))) {
            #expect(FleetError(one.met) == one.told)
            #expect("\(one.told)" == one.text)
            switch one.met {
            // A new kind breaks this, and belongs into the table above.
            case .unreachable, .replyLost, .refused, .identity, .overlong, .protocolViolation, .unbelievable:
                break
            }
        }
    }

    @Test("a command's outcome is its result, or says whether anything was changed")
    func outcomes() throws {
        let host = try #require(HostName("s1"))
        #expect(try Sample.done.result(of: host) == .service(report: Sample.report))
        #expect(throws: FleetError.refused(host: host, refusal: .idReused)) {
            try CommandOutcome.refused(refusal: .idReused).result(of: host)
        }
        let state = LeaseState(
            highestEpoch: FencingEpoch(4),
            current: Lease(runID: try #require(RunID("r1")), epoch: FencingEpoch(4)),
            holder: "ops",
            expiresAt: 1_800_000_060_000,
            since: 1_800_000_000_000
        )
        #expect(
            Refusal.leaseHeld(state: state).description
                == "run r1 of coordinator ops holds the lease since 2027-01-15T08:00:00Z, until 2027-01-15T08:01:00Z unless "
                + "renewed; wait for it to end, or take it over: `mitosis run --take-over` with its journal, `mitosis takeover` "
                + "without"
        )
        #expect(throws: FleetError.failed(host: host, reason: "no space left")) {
            try CommandOutcome.failed(message: "no space left").result(of: host)
        }
    }
}
