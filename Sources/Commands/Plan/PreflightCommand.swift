import ArgumentParser
import Fleet
import MutualTLS
import Procedure
import Reporting
import Settings
import SystemCalls
import ZooKeeperClient

struct PreflightCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "preflight",
        abstract:
            "Look for every known trap: one line a check, with what to do. Changes nothing, takes no lease.",
        discussion: """
            Exits with 1 when a check fails. `mitosis run` begins with the same checks and refuses on the same findings; a \
            check is waived, with a reason, under 'waivers' in the plan file. docs/plan-file.md lists the checks.
            """
    )

    @Argument(help: "The plan file.", completion: .file()) var file: String
    @Flag(help: "Print one JSON document.") var json = false
    @OptionGroup var logging: LogOptions

    func run() async throws {
        let report = try await report()
        let printer = PreflightPrinter(report)
        Output.write(json ? try printer.json() : printer.text)
        if !report.isClear { throw ExitCode(1) }
    }

    private func report() async throws -> PreflightReport {
        let plan: MigrationPlan
        do throws(PlanError) {
            plan = try PlanReader.read(path: file, believing: .operator)
        } catch {
            return PreflightReport(file: file, refused: error)
        }
        let fleet: AgentFleet
        do {
            fleet = try AgentFleet(plan: plan, log: logging.logger, warn: Output.warn)
        } catch let error as TLSError {
            return PreflightReport(plan.name, plan.strategy, [Self.unusable(error)])
        } catch let error as FleetNameError {
            return PreflightReport(plan.name, plan.strategy, [Self.impossible("\(error)")])
        }
        let credentials: [Credentials]
        do {
            credentials = try EnsembleCredentials.read(of: plan, believing: .operator)
        } catch {
            return PreflightReport(plan.name, plan.strategy, [Self.impossible("\(error)")])
        }
        let survey = await Survey.take(of: plan, through: fleet)
        let ensembles = ProvingEnsembles(credentials: credentials, log: logging.logger)
        let findings = await Preflight(plan: plan, survey: survey)
            .findings(through: fleet, ensembles, timing: .system)
        await ensembles.close()
        return PreflightReport(plan.name, plan.strategy, findings)
    }

    /// A name of the plan's that no certificate can bear.
    private static func impossible(_ reason: String) -> Finding {
        Finding(
            name: .planFile,
            title: "the plan file can be used",
            verdict: .fail,
            reason: reason,
            remedy: "Correct the plan file; docs/plan-file.md describes it"
        )
    }

    /// Without this program's own certificate no agent can be asked anything.
    private static func unusable(_ error: TLSError) -> Finding {
        switch error {
        case .noRevocationList, .revocationListTakenBack:
            return Finding(
                name: .revocationList,
                title: "this program keeps a revocation list, and no older one than before",
                verdict: .fail,
                reason: "\(error)",
                remedy:
                    "certs/README.md, Revocation, says how to go on; until then a certificate that was stolen could be taken"
            )
        case _: break
        }
        return Finding(
            name: .certificates,
            title: "this coordinator's certificate can be used",
            verdict: .fail,
            reason: "\(error)",
            remedy:
                "Issue one with `mitosis pki issue coordinator NAME`, and name it under 'pki' in the plan file"
        )
    }
}
