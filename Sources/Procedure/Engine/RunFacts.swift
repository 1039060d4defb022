package import ControlProtocol
package import Fleet
package import Topology

/// What a run has to remember between steps; journaled, so that it survives a crash of the coordinator.
package struct RunFacts: Hashable, Sendable, Codable {
    /// A node as it was when it was taken out of the joint ensemble.
    package struct Detached: Hashable, Sendable, Codable {
        /// The process that was ended.
        package let pid: Int32?
        package let end: HistoryEnd
        package let proof: DetachReport.Proof
        /// What its newest snapshot covers, and the ends of the epochs in its logs since.
        package let snapshot: Zxid?
        package let epochEnds: [Zxid]

        package init(
            pid: Int32?,
            end: HistoryEnd,
            proof: DetachReport.Proof,
            snapshot: Zxid? = nil,
            epochEnds: [Zxid] = []
        ) {
            self.pid = pid
            self.end = end
            self.proof = proof
            self.snapshot = snapshot
            self.epochEnds = epochEnds
        }

        /// The end of an epoch that this history has gone past and `other` holds more of; nil when there is none.
        ///
        /// What is missing at the end of an epoch cannot be seen in one history alone.
        package func lacks(of other: Detached) -> Zxid? {
            other.epochEnds.first { end in
                guard end.epoch < self.end.zxid.epoch, snapshot.map({ $0 < end }) ?? true else {
                    return false
                }
                let own = epochEnds.last { $0.epoch == end.epoch }
                return own.map { $0 < end } ?? true
            }
        }
    }

    /// A source node that the strategy must leave alone.
    package struct Untouched: Hashable, Sendable, Codable {
        package let pid: Int32
        package let startedAt: Int64?
        package let digest: String?

        package init(pid: Int32, startedAt: Int64?, digest: String?) {
            self.pid = pid
            self.startedAt = startedAt
            self.digest = digest
        }
    }

    /// A server that this run has started, and how long that took; nil while it was not seen to serve.
    package struct Start: Hashable, Sendable, Codable {
        package let pid: Int32
        package let milliseconds: Int?

        package init(pid: Int32, milliseconds: Int?) {
            self.pid = pid
            self.milliseconds = milliseconds
        }
    }

    /// A smoke test or a comparison, kept with the run.
    package struct Proof: Hashable, Sendable, Codable {
        /// When it came to its end, Unix milliseconds.
        package let at: Int64
        package let answer: ProofAnswer

        package init(at: Int64, answer: ProofAnswer) {
            self.at = at
            self.answer = answer
        }
    }

    /// Clients that are restarted at once at the end of a run, as it was right before.
    package struct RestartedBatch: Hashable, Sendable, Codable {
        /// Their titles.
        package let clients: [String]
        /// By the place that one of them registers at: the sessions that owned nodes there.
        package let sessions: [String: [SessionNumber]]

        package init(clients: [String], sessions: [String: [SessionNumber]]) {
            self.clients = clients
            self.sessions = sessions
        }
    }

    /// By host: where each destination node's history ended when it was detached.
    package var detached: [String: Detached] = [:]
    /// By host: the source's processes and files before anything was changed, under the strategy `observers`.
    package var untouched: [String: Untouched] = [:]
    /// The registration that each broker had before its restart, as its czxid.
    package var replacedRegistrations: [String: String] = [:]
    /// By client's name: the process that was to be replaced; 0 where none ran.
    package var replacedProcesses: [String: Int32] = [:]
    /// By a broker's or client's title: the process that ran when its file came to name every destination server, and knows the
    /// seeds only.
    package var shortLists: [String: Int32] = [:]
    /// The last that was restarted at the end; nil before, and in journals of earlier versions.
    package var restartedBatch: RestartedBatch?
    /// The session of each broker and of the controller when the destination was cut off, as `0x...`.
    package var sessionsAtDivision: [String: String] = [:]
    /// Findings of the preflight that the operator chose to do without, as the report repeats them.
    package var waived: [String] = []

    /// By host: how long the seeds took from their start until they served.
    package var starts: [String: Start] = [:]
    /// As it was expected when the operator was asked.
    package var window: WindowPrediction?
    /// The last look before the first node was detached, and the first that showed the destination's leader; Unix milliseconds.
    package var windowOpenedAt: Int64?
    package var windowClosedAt: Int64?
    /// By step: what the last smoke test or comparison of it showed.
    package var proofs: [String: Proof] = [:]
    /// By step: why the operator went on all the same.
    package var accepted: [String: String] = [:]
    /// What was found of writes on the source into what has moved, for the end of the run.
    package var wrongSide: [String] = []

    package init() {}

    /// The last transaction before the division: the freshest end of a history that was detached.
    ///
    /// What is above it came after; nil before the division, and in journals that lack the ends.
    package var split: Zxid? { detached.values.map(\.end).max()?.zxid }

    /// Milliseconds of the window, as this program saw it.
    package var windowSeen: Int64? {
        guard let windowOpenedAt, let windowClosedAt else { return nil }
        return windowClosedAt.minus(saturating: windowOpenedAt)
    }

    package func end(of host: HostName) -> HistoryEnd? { detached[host.description]?.end }

    /// Journals of earlier versions lack the later facts.
    package init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        detached = try values.decodeIfPresent([String: Detached].self, forKey: .detached) ?? [:]
        untouched = try values.decodeIfPresent([String: Untouched].self, forKey: .untouched) ?? [:]
        replacedRegistrations =
            try values.decodeIfPresent([String: String].self, forKey: .replacedRegistrations) ?? [:]
        replacedProcesses =
            try values.decodeIfPresent([String: Int32].self, forKey: .replacedProcesses) ?? [:]
        shortLists = try values.decodeIfPresent([String: Int32].self, forKey: .shortLists) ?? [:]
        restartedBatch = try values.decodeIfPresent(RestartedBatch.self, forKey: .restartedBatch)
        sessionsAtDivision =
            try values.decodeIfPresent([String: String].self, forKey: .sessionsAtDivision) ?? [:]
        waived = try values.decodeIfPresent([String].self, forKey: .waived) ?? []
        proofs = try values.decodeIfPresent([String: Proof].self, forKey: .proofs) ?? [:]
        starts = try values.decodeIfPresent([String: Start].self, forKey: .starts) ?? [:]
        window = try values.decodeIfPresent(WindowPrediction.self, forKey: .window)
        windowOpenedAt = try values.decodeIfPresent(Int64.self, forKey: .windowOpenedAt)
        windowClosedAt = try values.decodeIfPresent(Int64.self, forKey: .windowClosedAt)
        wrongSide = try values.decodeIfPresent([String].self, forKey: .wrongSide) ?? []
        accepted = try values.decodeIfPresent([String: String].self, forKey: .accepted) ?? [:]
    }
}
