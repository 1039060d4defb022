import Tables

/// What a whole pass on the lab showed.
package struct LabSummary: Codable, Sendable {
    package let lab: String
    package let directory: String
    package let mode: LabConfiguration.HostMode
    /// The coordinator's exit status.
    package let status: Int32
    package let stopped: String?
    package let stages: [EventLog.Stage]
    package let source: HistoryReport
    package let destination: HistoryReport
    package let servers: [Server]
    package let rules: [RulesLeft]
    /// Nil in a lab without brokers.
    package let kafka: KafkaSummary?

    /// A server as it answered at the end.
    package struct Server: Codable, Sendable, Hashable {
        package let host: String
        package let side: LabHost.Side
        package let id: Int
        package let status: ServerStatus
    }

    /// Everything that is not as it must be after a division, a sentence each.
    package var problems: [String] {
        var all: [String] = []
        if status != 0 {
            all.append("the coordinator ended with status \(status): \(stopped ?? "no reason given")")
        }
        for report in [source, destination] { all += Self.problems(of: report) }
        for side in Workload.sides {
            let modes = servers.filter { $0.side == side }.map { $0.status.mode ?? "not serving" }
            let others = modes.filter { $0 != "leader" }
            if others.count != modes.count - 1 || others.contains(where: { $0 != "follower" }) {
                all.append("the \(side.rawValue) side has not one leader and otherwise followers: \(modes)")
            }
        }
        all += kafka?.problems ?? []
        for host in rules where !host.lines.isEmpty {
            all.append("\(host.host) still has rules: \(host.lines.joined(separator: " "))")
        }
        return all
    }

    package var isClean: Bool { problems.isEmpty }

    private static func problems(of report: HistoryReport) -> [String] {
        let side = report.side.rawValue
        var all = report.lost.map { "\(side): \($0.path) was acknowledged and is not on \($0.missingOn)" }
        all += report.problems.map { "\(side): \($0)" }
        all += report.mixed.map { "\(side): \($0), written after the split" }
        if !report.mixingChecked { all.append("\(side): not checked for mixing, as no split was reported") }
        if !report.sessionKept { all.append("\(side): the client lost its session") }
        if !report.ephemeralKept { all.append("\(side): the client lost its ephemeral node") }
        return all
    }
}

extension LabSummary {
    /// For people.
    package var lines: [String] {
        var all = [
            "", "Summary of lab \(lab) (hosts as \(mode.rawValue); everything is in \(directory))", "",
            "stages",
        ]
        all += stages.map { Self.line($0.name, Self.seconds(Double($0.milliseconds) / 1000)) }
        all += ["", "writing clients"]
        all.append(
            "  destination unavailable  \(Self.seconds(destination.gapInWindow)), as its writing client saw it"
        )
        all.append("  source, longest gap      \(Self.seconds(source.longestGap))")
        for report in [destination, source] { all += Self.lines(of: report) }
        if let kafka { all += ["", "Kafka's clients"] + kafka.lines }
        all += ["", "ensembles"]
        all += servers.map {
            Self.line($0.side.rawValue, "\($0.host)  id \($0.id)  \(Lab.role($0.status))")
        }
        let left = rules.map(\.lines.count).reduce(0, +)
        all += ["", "rules left in the kernel: \(left) on \(rules.count) hosts", ""]
        if isClean {
            all.append("Nothing was lost, and nothing is left.")
        } else {
            all.append("NOT as it must be:")
            all += problems.prefix(20).map { "  \($0)" }
            if problems.count > 20 { all.append("  and \(problems.count - 20) more") }
        }
        return all
    }

    private static func lines(of report: HistoryReport) -> [String] {
        [
            "acknowledged \(report.acknowledged), lost \(report.lost.count); "
                + "unknown \(report.unknown), of which \(report.unknownThatHappened) happened",
            "session \(report.sessionKept ? "kept" : "LOST"), "
                + "ephemeral node \(report.ephemeralKept ? "kept" : "LOST"), "
                + "writes mixed into the other side: "
                + (report.mixingChecked ? String(report.mixed.count) : "not checked"),
        ]
        .map { line(report.side.rawValue, $0) }
    }

    private static func line(_ name: String, _ text: String) -> String {
        "  " + Table([.fixed(12)], gap: 1).line([name, text])
    }

    /// For instance `2.61 s`.
    static func seconds(_ value: Double?) -> String {
        guard let value else { return "unknown" }
        let hundredths = Int((value * 100).rounded())
        let fraction = hundredths % 100
        return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction) s"
    }
}
