package import Procedure
package import Rehearsals

/// What became of a run, drawn from its journal alone: `mitosis report --json` prints it, and the page shows nothing else.
///
/// What the journal does not hold is absent, and named in `notRecorded`; nothing stands in its place.
package struct RunReport: Hashable, Sendable, Codable {
    /// Of this document; raised when a field changes its meaning or goes.
    package static let format = 1

    package enum State: String, Hashable, Sendable, Codable {
        case finished
        case stopped
        case withdrawn
        /// It goes on, or its coordinator died.
        case underWay = "under way"
    }

    package internal(set) var format = RunReport.format
    /// The program that has made the report, and when, in Unix milliseconds.
    package internal(set) var program: String
    package internal(set) var madeAt: Int64
    package internal(set) var run: String
    package internal(set) var plan: String
    package internal(set) var planDigest: String
    package internal(set) var epoch: UInt64
    package internal(set) var state: State
    package internal(set) var standing: Standing
    package internal(set) var advice: String?
    package internal(set) var startedAt: Int64
    package internal(set) var endedAt: Int64?
    /// Milliseconds of all of it, but for the pauses.
    package internal(set) var activeMilliseconds: Int64
    package internal(set) var setting: Setting?
    package internal(set) var summary: [Claim]
    package internal(set) var stages: [Visit]
    package internal(set) var unavailability: Unavailability
    /// One of each side that was probed; nil where the journal has no samples.
    package internal(set) var probes: [Probed]?
    package internal(set) var window: Window?
    package internal(set) var split: String?
    package internal(set) var histories: [NodeHistory]
    package internal(set) var starts: [Start]
    package internal(set) var proofs: [Proof]
    package internal(set) var checks: [Check]
    /// What the last census said, before the division.
    package internal(set) var census: String?
    package internal(set) var files: [FileChange]
    package internal(set) var walls: [WallSpan]
    package internal(set) var tests: [TestRun]
    package internal(set) var waived: [String]
    package internal(set) var accepted: [Acceptance]
    package internal(set) var planText: String?
    package internal(set) var inventoryText: String?
    package internal(set) var notRecorded: [String]
    /// What it was a rehearsal of; nil for every other run.
    package internal(set) var rehearsal: RehearsalOutcome?
}

extension RunReport {
    /// Who moves what from where; nil when the plan is not as it was when the run began.
    package struct Setting: Hashable, Sendable, Codable {
        package let strategy: String
        package let source: [String]
        package let destination: [String]
        package let brokers: [String]
        package let trees: [String]
    }

    /// One line of the summary, and the steps that it rests on.
    package struct Claim: Hashable, Sendable, Codable {
        package enum Subject: String, Hashable, Sendable, Codable, CaseIterable {
            case moved
            case window
            case lost
            case left
            case trees
            case sessions
            case rules
        }

        package enum Judgement: String, Hashable, Sendable, Codable {
            case good
            case bad
            /// It is not decided yet.
            case open
            case notRecorded = "not recorded"
        }

        package let subject: Subject
        package let title: String
        package let value: String
        package let judgement: Judgement
        package let detail: String
        package let steps: [String]
    }

    /// Steps of one stage, one after the other; a stage that a run came back to has several.
    package struct Visit: Hashable, Sendable, Codable {
        package let name: String
        package let title: String
        package internal(set) var steps: [Attempt]

        package var milliseconds: Int64 { (steps.last?.end ?? 0) - (steps.first?.offset ?? 0) }
    }

    /// One step, begun once.
    package struct Attempt: Hashable, Sendable, Codable {
        package enum Result: String, Hashable, Sendable, Codable {
            case done
            case failed
            /// Its commands may have been carried out.
            case intended
        }

        package struct Order: Hashable, Sendable, Codable {
            package let host: String
            package let command: String
        }

        /// In the order of the journal, from 1.
        package let number: Int
        package let step: String
        package let title: String
        package let attempt: Int
        package let intendedAt: Int64
        package let decidedAt: Int64?
        /// Milliseconds since the run began, but for the pauses, and how long it took.
        package let offset: Int64
        package let milliseconds: Int64
        /// Before it the run rested so long, or nobody went on with it.
        package let pauseBefore: Int64?
        package let result: Result
        package let observed: String?
        package let commands: [Order]

        package var end: Int64 { offset + milliseconds }
    }

    /// Times without ZooKeeper, in milliseconds, as the run itself saw them.
    package struct Unavailability: Hashable, Sendable, Codable {
        package let source: Int64?
        package let destination: Int64?
        package let destinationFrom: Int64?
        package let destinationTo: Int64?
    }

    package struct Window: Hashable, Sendable, Codable {
        package let predicted: Int
        package let predictedWithStall: Int
        package let seen: Int64?
        package let slowestStart: Int
        package let isMeasured: Bool
        package let megabytes: Int
        package let startLimit: Int?
        /// Of each client, in milliseconds.
        package let sessions: [String: Int]
    }

    /// Where a destination node's history ended when it was detached.
    package struct NodeHistory: Hashable, Sendable, Codable {
        package let host: String
        package let epoch: Int64
        package let zxid: String
        /// Transactions of the same epoch that the freshest history has and this one lacks; nil in another epoch.
        package let behind: UInt64?
        package let proof: String
        package let isProven: Bool
    }

    package struct Start: Hashable, Sendable, Codable {
        package let host: String
        package let milliseconds: Int?
    }

    package struct Proof: Hashable, Sendable, Codable {
        package let step: String
        package let title: String
        package let at: Int64
        package let result: String
        package let summary: String
        package let details: [String]
        /// Milliseconds of the slowest answer of each server.
        package let latencies: [String: Int]?
    }

    package struct Check: Hashable, Sendable, Codable {
        package let name: String
        package let traps: [Int]
        package let observed: String
    }

    package struct FileChange: Hashable, Sendable, Codable {
        package let host: String
        package let path: String
        /// As `diff -u`, secrets hidden; nil where the journal has no contents.
        package let difference: String?
        package let step: String
        package let at: Int64
        package internal(set) var putBackBy: String?
    }

    package struct WallSpan: Hashable, Sendable, Codable {
        package let host: String
        package let peers: [String]
        package let scope: String
        package let raisedBy: String
        package let raisedAt: Int64
        package internal(set) var removedBy: String?
        package internal(set) var removedAt: Int64?
    }

    /// A test of the operator's own, run once.
    package struct TestRun: Hashable, Sendable, Codable {
        package let step: String
        package let title: String
        package let attempt: Int
        package let at: Int64
        package let result: Attempt.Result
        /// What it printed; nil where the journal does not have it, as after a takeover.
        package let output: String?
    }

    package struct Acceptance: Hashable, Sendable, Codable {
        package let step: String
        package let reason: String
    }
}
