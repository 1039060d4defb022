internal import FoundationEssentials
private import Glibc

/// The two writing clients of a lab: one through the source nodes, one through the destination nodes.
///
/// They stand for the applications that must not notice the division. Both stop by themselves.
package struct Workload: Sendable {
    package let lab: Lab
    /// The destination servers that the destination's writer knows, when not all that serve first.
    private let known: [LabHost]?

    package init(_ lab: Lab, through known: [LabHost]? = nil) {
        self.lab = lab
        self.known = known
    }

    package static let sides: [LabHost.Side] = [.source, .destination]

    /// Starts both writers; the destination's keeps trying until its servers serve.
    package func start(seconds: Int) async throws {
        for side in Self.sides {
            let servers = servers(of: side).map(\.clientAddress).joined(separator: ",")
            let program = ["/usr/bin/python3", lab.layout.script("workload.py")]
            let log = lab.layout.history(side)
            try Folder.remove(log)
            try await lab.launch(
                program + [
                    "--servers", servers, "--side", side.rawValue, "--log", log, "--seconds", String(seconds),
                ],
                on: side == .source ? lab.configuration.tenant : lab.configuration.client,
                record: lab.layout.workloadRecord(side),
                log: lab.layout.workloadLog(side)
            )
        }
    }

    /// The servers that a side's writer knows: on the destination, the first that serve.
    private func servers(of side: LabHost.Side) -> [LabHost] {
        side == .destination ? known ?? lab.configuration.seeds : lab.configuration.hosts(of: side)
    }

    /// Returns when the side's writer has its session and its nodes, and writes.
    package func waitUntilWriting(_ side: LabHost.Side, seconds: Int) async throws {
        try await wait(for: "ready", in: side, seconds: seconds)
    }

    /// Returns when the side's writer has had this many more writes acknowledged.
    package func waitForWrites(_ count: Int, _ side: LabHost.Side, seconds: Int) async throws {
        let path = lab.layout.history(side)
        let begin = Self.acknowledged(try Folder.read(path))
        let deadline = ContinuousClock.now + .seconds(seconds)
        while Self.acknowledged(try Folder.read(path)) < begin + count {
            guard ContinuousClock.now < deadline else {
                throw LabError.late(
                    what: "\(count) more writes of the \(side.rawValue) writer",
                    seconds: seconds,
                    seen: "fewer"
                )
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private static func acknowledged(_ history: String) -> Int {
        history.split(separator: "\n").count { $0.contains("\"outcome\": \"ok\"") }
    }

    /// Ends the writing; both sessions stay open for a minute, so that ephemeral nodes can be looked at.
    package func stopWriting() async throws {
        for side in Self.sides { try record(side)?.signal(SIGTERM) }
        for side in Self.sides where try record(side) != nil {
            try await wait(for: "final", in: side, seconds: 60)
        }
    }

    /// Ends the clients and their sessions.
    package func end() async throws {
        for side in Self.sides {
            guard let record = try record(side) else { continue }
            // The first signal ends the writing, the second the client.
            record.signal(SIGTERM)
            if await record.isGone(within: .seconds(3)) { continue }
            try await record.end(grace: .seconds(10))
        }
    }

    package func history(_ side: LabHost.Side) throws(LabError) -> History {
        let path = lab.layout.history(side)
        return try History(side: side, reading: try Folder.read(path), from: path)
    }

    /// Reads the writers' trees through every server of a side.
    package func trees(_ side: LabHost.Side) async throws(LabError) -> [FinalTree] {
        let outcome = try await lab.ask("dump", side, [])
        return try lab.decode([FinalTree].self, outcome.output, "the trees of the \(side.rawValue) side")
    }

    /// Ends the writing, compares both histories with every server, and ends the clients.
    ///
    /// Without `dividedAt` (Unix seconds) the sides are one ensemble still and are not checked for mixing.
    package func check(
        _ sides: [LabHost.Side] = Workload.sides,
        dividedAt: Double? = nil,
        window: ClosedRange<Double>? = nil
    ) async throws -> [HistoryReport] {
        try await stopWriting()
        var trees: [LabHost.Side: [FinalTree]] = [:]
        for side in sides { trees[side] = try await self.trees(side) }
        try await end()
        return try sides.map { side in
            HistoryCheck(
                history: try history(side),
                own: trees[side] ?? [],
                other: Self.sides.filter { $0 != side }.flatMap { trees[$0] ?? [] },
                dividedAt: dividedAt,
                window: window
            ).report()
        }
    }

    private func record(_ side: LabHost.Side) throws(LabError) -> ProcessRecord? {
        let record = try RecordFile.read(ProcessRecord.self, at: lab.layout.workloadRecord(side))
        return record?.isRunning == true ? record : nil
    }

    private func wait(for event: String, in side: LabHost.Side, seconds: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        let path = lab.layout.history(side)
        var seen = "nothing"
        while ContinuousClock.now < deadline {
            if FileManager.default.fileExists(atPath: path) {
                let text = try Folder.read(path)
                if text.contains("\"event\": \"\(event)\"") { return }
                seen = text.split(separator: "\n").last.map(String.init) ?? seen
            }
            guard try record(side) != nil else {
                let said = try Folder.read(lab.layout.workloadLog(side)).suffix(2000)
                throw LabError.failed(
                    step: "the \(side.rawValue) writer",
                    diagnostics: "it ended early: \(said)"
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw LabError.late(what: "'\(event)' of the \(side.rawValue) writer", seconds: seconds, seen: seen)
    }
}
