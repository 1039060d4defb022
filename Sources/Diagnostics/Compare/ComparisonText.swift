import FoundationEssentials
import Topology

/// A comparison as people and programs read it.
package struct ComparisonText: Sendable {
    private let report: ComparisonReport

    package init(_ report: ComparisonReport) { self.report = report }

    package var text: String {
        var lines = differences + doubts
        lines.append(sum)
        if let common = report.common { lines.append(Self.newest(common, report)) }
        lines.append(verdict)
        return lines.joined(separator: "\n") + "\n"
    }

    /// The findings, a line each, and how many there are beyond.
    package var differences: [String] {
        var lines = report.findings.map(Self.line)
        if report.different > report.findings.count {
            lines.append("... and \(report.different - report.findings.count) differences more")
        }
        return lines
    }

    /// What was not judged or not read, a line each.
    package var doubts: [String] {
        var lines = report.unjudged.map {
            "not judged  \($0.path)  \($0.reason.rawValue) (\($0.servers.listed))"
        }
        if report.unjudgedCount > report.unjudged.count {
            lines.append("... and \(report.unjudgedCount - report.unjudged.count) more that were not judged")
        }
        if report.isAbsent { lines.append("not there  \(report.path): no server that answered has it") }
        return lines + report.lost.map { "not read  \($0.server): \($0.reason)" }
    }

    private var sum: String {
        let sides = report.servers.map(\.listed).joined(separator: " | ")
        let rate = report.seconds > 0 ? Int(Double(report.nodes) / report.seconds) : report.nodes
        return "\(report.nodes) nodes from \(report.path) on, on \(sides): "
            + "\(Int(report.seconds.rounded())) s, \(rate) nodes/s of each server"
    }

    private static func newest(_ common: Zxid, _ report: ComparisonReport) -> String {
        "latest transaction on both sides: \(common); newer on the destination: \(report.newer); "
            + "ephemeral nodes that went with their sessions, and their parents: \(report.ended)"
    }

    private var verdict: String {
        if report.different > 0 { return "DIFFERENT: \(report.different) differences" }
        if report.isComplete { return "equal" }
        if report.isAbsent { return "NOT DECIDED: no server has \(report.path)" }
        return "NOT DECIDED: no difference, but not everything could be read"
    }

    private static func line(_ finding: ComparisonReport.Finding) -> String {
        let fields = finding.fields.map { "\($0.field.rawValue): \($0.seen), against \($0.against)" }
        let place = "\(finding.servers.listed) against \(finding.against)"
        return (["\(finding.kind.rawValue)  \(finding.path)  \(place)"] + fields).joined(separator: "; ")
    }

    /// One document.
    package func json() throws -> String {
        struct Document: Encodable {
            let equal: Bool
            let complete: Bool
            let absent: Bool
            let path: String
            let servers: [[String]]
            let nodes: Int
            let seconds: Double
            let different: Int
            let newer: Int
            let ended: Int
            let notJudged: Int
            let latestCommon: String?
            let differences: [ComparisonReport.Finding]
            let unjudged: [ComparisonReport.Unjudged]
            let lost: [ComparisonReport.LostServer]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let document = Document(
            equal: report.isEqual,
            complete: report.isComplete,
            absent: report.isAbsent,
            path: report.path,
            servers: report.servers,
            nodes: report.nodes,
            seconds: report.seconds,
            different: report.different,
            newer: report.newer,
            ended: report.ended,
            notJudged: report.unjudgedCount,
            latestCommon: report.common?.description,
            differences: report.findings,
            unjudged: report.unjudged,
            lost: report.lost
        )
        return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
    }
}

extension [String] {
    fileprivate var listed: String { joined(separator: ", ") }
}
