package import ControlProtocol
package import Fleet
package import FoundationEssentials

/// What a run's chain says, entry by entry: all that another coordinator needs to go on with the run.
///
/// No file's content is in it: what stands in one host's files must not lie on another host.
package enum ChainEntry: Hashable, Sendable, Codable {
    /// Number 0, and only that.
    case began(run: ChainBeginning)
    case epoch(number: FencingEpoch)
    case intent(step: StepID, attempt: Int, commands: [HostCommand], at: Int64)
    case verdict(step: StepID, attempt: Int, verdict: StepVerdict, at: Int64)
    case facts(facts: RunFacts)
    case ended(ending: RunEnding, at: Int64)
    /// Something that is larger than a host keeps: from here on the chain is not enough to take the run over.
    case omitted(bytes: Int)
}

/// The run as it began.
package struct ChainBeginning: Hashable, Sendable, Codable {
    package static let format = 1

    /// Of all entries of the chain.
    package let format: Int
    package let run: RunID
    package let plan: String
    package let planDigest: String
    /// The plan file, and the inventory that it refers to, as they were.
    package let planText: String
    package let inventoryText: String?
    package let startedAt: Int64
    /// With the digests of the files, and none of their contents.
    package let survey: Survey

    package init(_ record: RunRecord, planText: String, inventoryText: String?) {
        format = Self.format
        run = record.id
        plan = record.plan
        planDigest = record.planDigest
        self.planText = planText
        self.inventoryText = inventoryText
        startedAt = record.startedAt
        survey = record.survey.withoutContents
    }
}

extension ChainEntry {
    package static func opened(_ content: Data) throws(WireProblem) -> ChainEntry {
        try WireJSON.decode(from: content)
    }

    /// The bytes of a link.
    package var content: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let content = try encoder.encode(self)
            guard content.count > ChainLimit.entry else { return content }
            return try encoder.encode(ChainEntry.omitted(bytes: content.count))
        }
    }

    /// A chain that says of a run what its journal does.
    package static func all(
        of run: RunRecord,
        _ entries: [JournalEntry],
        beginning: ChainBeginning
    ) -> [ChainEntry] {
        var all: [ChainEntry] = [.began(run: beginning), .epoch(number: run.epoch), .facts(facts: run.facts)]
        for entry in entries {
            all.append(
                intent(
                    step: entry.step,
                    attempt: entry.attempt,
                    commands: entry.commands.map(\.withoutContent),
                    at: entry.intendedAt
                )
            )
            if let verdict = entry.verdict {
                all.append(
                    .verdict(
                        step: entry.step,
                        attempt: entry.attempt,
                        verdict: verdict,
                        at: entry.decidedAt ?? entry.intendedAt
                    )
                )
            }
        }
        return all
    }
}

extension HostCommand {
    /// The same, but what a file is to hold is left out.
    package var withoutContent: HostCommand {
        switch command {
        case .writeFile(let write): HostCommand(host, .writeFile(write: write.withoutContent))
        case .installWall(let wall, let holding, let lapse):
            HostCommand(host, .installWall(wall: wall, holding: holding, lapse: lapse?.withoutContents))
        case .detach(let request):
            HostCommand(
                host,
                .detach(
                    request: DetachRequest(
                        service: request.service,
                        pid: request.pid,
                        wall: request.wall,
                        seconds: request.seconds,
                        lapse: request.lapse?.withoutContents
                    )
                )
            )
        case .removeWall, .sever, .restoreFile, .service, .discardCopy, .setAside, .pilotWall,
            .removeHandMadeRules, .keepOrder:
            self
        }
    }
}

extension FileWrite {
    fileprivate var withoutContent: FileWrite { FileWrite(path: path, expected: expected, content: Data()) }
}

extension LapseRequest {
    fileprivate var withoutContents: LapseRequest {
        LapseRequest(seconds: seconds, files: files.map(\.withoutContent), starts: starts)
    }
}

extension Survey {
    package var withoutContents: Survey {
        Survey(
            files: files.map(\.withoutContent),
            unread: unread,
            kafka: kafka.map { kafka in
                KafkaSurvey(
                    files: kafka.files.map(\.withoutContent),
                    unread: kafka.unread,
                    metas: kafka.metas.map {
                        KafkaSurvey.Meta(host: $0.host, path: $0.path, content: nil, refusal: $0.refusal)
                    }
                )
            },
            clients: clients.map {
                ClientsSurvey(files: $0.files.map(\.withoutContent), unread: $0.unread)
            }
        )
    }
}

extension Survey.File {
    fileprivate var withoutContent: Survey.File {
        Survey.File(host: host, path: path, digest: digest, content: Data())
    }
}

extension ChainEntry: Bounded {
    package func check() throws(OutOfBounds) {
        switch self {
        case .began(let run):
            try check("began.run.format", run.format, Bound.version)
            try check("began.run.startedAt", run.startedAt, Bound.time)
            try check("began.run.survey.files", elementsOf: run.survey.files)
        case .epoch(let number): try check("epoch.number", number)
        case .intent(_, let attempt, let commands, let at):
            try check("intent.attempt", attempt, 0...1_000_000)
            try check("intent.commands", each: commands)
            try check("intent.at", at, Bound.time)
        case .verdict(_, let attempt, _, let at):
            try check("verdict.attempt", attempt, 0...1_000_000)
            try check("verdict.at", at, Bound.time)
        case .facts(let facts): try check("facts.facts", facts)
        case .ended(_, let at): try check("ended.at", at, Bound.time)
        case .omitted(let bytes): try check("omitted.bytes", bytes, Bound.count)
        }
    }
}
