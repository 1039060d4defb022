package import ControlProtocol
package import Topology

/// What one agent said when asked, or why it said nothing.
package enum Observation: Hashable, Sendable {
    case status(HostStatus)
    case silent(reason: String)
}

/// What a server's history says of some transactions, or why it says nothing.
package enum HistoryAnswer: Hashable, Sendable {
    case found([Zxid: Presence])
    case silent(reason: String)
}

/// What came of the attempts that one host made, and why some were not made.
package struct ProbeAnswer: Hashable, Sendable {
    package let results: [ProbeResult]
    package let error: FleetError?

    package init(results: [ProbeResult] = [], error: FleetError? = nil) {
        self.results = results
        self.error = error
    }
}

/// What an agent's backend made of a wall that it was shown.
package enum PreviewAnswer: Hashable, Sendable {
    case accepted(RulesPreview)
    case failed(FleetError)
}

/// What a host's ZooKeeper has logged of writes into some trees, or why its agent does not say.
package enum WritesAnswer: Hashable, Sendable {
    case told(WritesReport)
    /// It knows of no such question.
    case tooOld
    case silent(reason: String)
}

/// Who is connected to a host's ZooKeeper, or why its agent does not say.
package enum ClientsAnswer: Hashable, Sendable {
    case told(ClientsReport)
    /// It knows of no such question.
    case tooOld
    case silent(reason: String)
}
