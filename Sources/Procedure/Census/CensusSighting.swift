package import ControlProtocol
package import Fleet
package import Settings
package import Topology

/// One look at the clients of an ensemble: what its servers' agents said of connections, and what the ensemble itself has.
package struct CensusSighting: Hashable, Sendable {
    /// By the server's host.
    package var clients: [HostName: ClientsAnswer]
    package var ensemble: EnsembleCensus
    /// What a resolver says of addresses, where one was asked.
    package var resolved: [IPAddress: String] = [:]

    package init(clients: [HostName: ClientsAnswer], ensemble: EnsembleCensus) {
        self.clients = clients
        self.ensemble = ensemble
    }

    /// Whoever is connected, as far as it was told.
    package var addresses: Set<IPAddress> {
        clients.values.reduce(into: []) { found, answer in
            guard case .told(let report) = answer else { return }
            found.formUnion((report.connections ?? []).map(\.address))
            found.formUnion((report.sessions ?? []).map(\.address))
        }
    }

    /// Asks everybody at once.
    package static func take(
        _ question: CensusQuestion,
        through fleet: any Fleet,
        _ ensembles: any EnsembleReading
    ) async -> CensusSighting {
        async let clients = fleet.clients(of: question.servers.map(\.host))
        let ensemble = await ensembles.census(question)
        return CensusSighting(clients: await clients, ensemble: ensemble)
    }
}

extension MigrationPlan {
    /// Of the joint ensemble: whoever moves is at its seeds by the time of the division.
    package var censusQuestion: CensusQuestion {
        CensusQuestion(
            servers: source + seeds,
            trees: census.trees,
            named: brokers.map { registration(of: $0) },
            hosts: Array(
                Set(brokers.flatMap { [$0.address, $0.agent.address] } + clients.all.map(\.address))
            ).sorted(),
            rate: proofs.rate
        )
    }

    /// The node by which a broker is known.
    package func registration(of broker: PlannedBroker) -> String {
        "\(kafka?.chroot ?? "")/brokers/ids/\(broker.id)"
    }
}
