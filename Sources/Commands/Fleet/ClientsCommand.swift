import ArgumentParser
import Fleet
import Procedure
import Reporting
import Settings
import SystemCalls

struct ClientsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clients",
        abstract:
            "Show who is connected to the source and to the seeds, and who would be left behind. Changes nothing.",
        discussion: """
            Asks every source server's and seed's agent for its connections, and ZooKeeper for the owners of ephemeral nodes \
            in what moves: the plan's 'trees', and the chroot of its Kafka cluster. `mitosis run` judges the same right before \
            the division. docs/clients.md says what can be told and what cannot.

            Once the destination leads, by the plan's journal, it shows instead what has been written into these trees on the \
            source since: from the transaction logs of its servers, with path, session and address.

            Exits with 0 when nobody is left behind, and has written there; with 1 otherwise: also when that cannot be told.
            """
    )

    /// Between two looks, long enough to read one.
    private static let pause = Duration.seconds(5)

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Flag(help: "Print one JSON document, for each look.") var json = false
    @Flag(help: "Look again every five seconds, after the division every second, until interrupted.")
    var watch = false
    @Flag(
        help: "Ask this machine's resolver for the names of addresses that neither plan nor inventory know."
    )
    var reverseDns = false
    @OptionGroup var credentials: CredentialOptions
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let plan = try PlanReader.read(path: file, believing: .operator)
        let fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        let ensembles = ProvingEnsembles(
            credentials: try credentials.read(for: plan),
            log: logging.logger
        )
        let names = reverseDns ? ReverseNames() : nil
        let isClear = try await look(plan, fleet, ensembles, names)
        await ensembles.close()
        if !isClear { throw ExitCode(1) }
    }

    private func look(
        _ plan: MigrationPlan,
        _ fleet: any Fleet,
        _ ensembles: any EnsembleReading,
        _ names: ReverseNames?
    ) async throws -> Bool {
        while true {
            if let run = try DividedRun.record(of: plan) {
                return try await lookForWrites(plan, fleet, since: run, names)
            }
            let isClear = try await lookForClients(plan, fleet, ensembles, names)
            guard watch else { return isClear }
            try await Task.sleep(for: Self.pause)
            if !json { Output.write("\n") }
        }
    }

    private func lookForClients(
        _ plan: MigrationPlan,
        _ fleet: any Fleet,
        _ ensembles: any EnsembleReading,
        _ names: ReverseNames?
    ) async throws -> Bool {
        var sighting = await CensusSighting.take(plan.censusQuestion, through: fleet, ensembles)
        if let names { sighting.resolved = await names.names(of: sighting.addresses) }
        let census = Census(plan, sighting)
        let text = ClientsText(census)
        Output.write(json ? try text.json() : text.text)
        return census.isClear
    }
}
