package import ControlProtocol
import Fleet
import FoundationEssentials
import Printable
package import Procedure
package import Settings
import Topology

/// The plan as the operator reads it beforehand: every step, every exact change.
package struct PlanText: Sendable {
    let plan: MigrationPlan
    let survey: Survey
    let procedure: MigrationProcedure

    package init(plan: MigrationPlan, survey: Survey) {
        self.plan = plan
        self.survey = survey
        procedure = MigrationProcedure(plan: plan, survey: survey)
    }

    /// - Parameters:
    ///   - rules: each destination host's exact rules, as its own agent would hand them to its backend.
    ///   - outlook: what is known of versions, and of the window.
    package func text(rules: [HostName: RulesPreview], outlook: PlanOutlook = .notAsked) -> String {
        ([heading(outlook)] + procedure.stages.map(stage) + [diffs, walls(rules)]).joined(separator: "\n")
    }

    private func heading(_ outlook: PlanOutlook) -> String {
        """
        \(plan.name): \(plan.strategy.rawValue), plan \(plan.digest.prefix(12))
          source        \(describe(plan.source))
          destination   \(describe(plan.destination))
          versions      \(PrintableText(outlook.versions, limit: 1000))
          window        \(PrintableText(outlook.window, limit: 2000))
        \(roles)
        \(kafka)\(clients)  cut           \(scope)

        """
    }

    private var roles: String {
        let joint = plan.source.count + plan.seeds.count
        return switch plan.strategy {
        case .participants:
            """
              seeds         \(plan.seeds.names): joint ensemble of \(joint), a majority is \(joint / 2 + 1), \
            the source has \(plan.source.count)
              with them     \(plan.companions.names), in the destination's first quorum
              afterwards    \(plan.dormant.names), started when the destination's leader serves
            """
        case .observers:
            "  observers     \(plan.seeds.names), without a vote; the source is neither changed nor restarted"
        }
    }

    private var kafka: String {
        guard let kafka = plan.kafka else { return "" }
        let chroot = kafka.chroot.isEmpty ? "no chroot" : "chroot \(kafka.chroot)"
        let names = kafka.brokers.map { "\($0.id) (\($0.host))" }.joined(separator: ", ")
        return "  kafka         brokers \(names), \(chroot), repointed to "
            + "\(plan.seedConnectString)\(kafka.chroot)\n"
    }

    private var clients: String {
        guard !plan.clients.all.isEmpty else { return "" }
        let names = plan.clients.all.map { "\($0.name) (\($0.host), \($0.service))" }.joined(separator: ", ")
        return "  clients       \(names), repointed to \(plan.seedConnectString) one after another\n"
    }

    private var scope: String {
        switch plan.scope {
        case .quorumPorts: "the quorum and election ports of both sides"
        case .allTCP:
            "all TCP between the sides but what comes in to the destination's protected ports: a client on a source "
                + "host cannot reach the destination's client port until the clean-up, and nothing on a destination "
                + "host, a coordinator neither, can reach a source host"
        }
    }

    private func describe(_ servers: [PlannedServer]) -> String {
        servers.map { "\($0.host) (id \($0.id), \($0.address):\($0.clientPort))" }.joined(separator: ", ")
    }

    private func stage(_ stage: Stage) -> String {
        var lines = ["\(stage.name): \(stage.title)"]
        if let gate = stage.inquiry?.gate {
            lines.append("  (looks first: \(gate.title), within \(gate.deadline))")
        }
        if stage.confirmation != nil { lines.append("  (asks for confirmation first)") }
        for step in stage.steps {
            lines.append("  \(step.id)  \(step.title)")
            if let precheck = step.precheck { lines.append("    before: \(precheck.title)") }
            lines += actions(step.act).map { "    does:   \($0)" }
            lines.append("    after:  \(step.verify.title), within \(step.verify.deadline)")
            lines += (step.verify.preflight?.checks ?? []).map { "            \($0.name): \($0.gate.title)" }
            lines.append("    undo:   \(undo(step.undo))")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func actions(_ act: Act) -> [String] {
        switch act {
        case .observeOnly: ["nothing, looks only"]
        case .commands(let commands):
            commands.isEmpty
                ? ["nothing on this set-up"] : commands.map { "\($0.host): \($0.command.summary)" }
        case .decided(let summary, _, _): [summary]
        }
    }

    private func undo(_ undo: Undo) -> String {
        switch undo {
        case .commands(let commands, let note):
            note + " ("
                + commands.map { "\($0.host): \($0.command.summary)" }.joined(separator: "; ") + ")"
        case .nothingToUndo: "nothing to undo"
        case .none(let because): "none: \(because)"
        }
    }

    private var diffs: String {
        let joint = JointConfiguration(plan: plan)
        let parts = joint.servers.compactMap { server -> String? in
            guard let file = survey.file(of: server.host),
                let content = joint.rewritten(file)
            else { return nil }
            return "\(server.host):\n"
                + ConfigDiff.unified(old: file.content, new: content, path: file.path)
        }
        return "configuration changes (undone byte for byte before the division):\n\n"
            + parts.joined(separator: "\n") + brokerDiffs + clientDiffs
    }

    private var brokerDiffs: String {
        guard let kafka = plan.kafka else { return "" }
        let repointed = RepointedProperties(plan: plan)
        let parts = kafka.brokers.compactMap { broker -> String? in
            guard let file = survey.kafka?.file(of: broker.host) else { return nil }
            do throws(KafkaFileError) {
                return "\(broker.host):\n"
                    + ConfigDiff.unified(
                        old: file.content,
                        new: try repointed.content(of: file),
                        path: file.path
                    )
            } catch {
                return "\(broker.host): \(file.path): \(error)\n"
            }
        }
        return "\nbrokers' changes (these stay):\n\n" + parts.joined(separator: "\n")
    }

    private var clientDiffs: String {
        let parts = plan.clients.all.compactMap { client -> String? in
            guard let file = survey.clients?.file(of: client) else { return nil }
            do throws(ClientFileError) {
                let content = try RepointedClient(plan: plan, client: client).content(of: file)
                return "\(client.name), \(client.host):\n"
                    + ConfigDiff.unified(old: file.content, new: content, path: file.path)
            } catch {
                return "\(client.host): \(file.path): \(error)\n"
            }
        }
        return parts.isEmpty ? "" : "\nclients' changes (these stay):\n\n" + parts.joined(separator: "\n")
    }

    /// Hosts whose rules are the same text stand together.
    private func walls(_ rules: [HostName: RulesPreview]) -> String {
        var texts: [(preview: RulesPreview, hosts: [HostName])] = []
        for server in plan.destination {
            guard let preview = rules[server.host] else { continue }
            if let index = texts.firstIndex(where: { $0.preview == preview }) {
                texts[index].hosts.append(server.host)
            } else {
                texts.append((preview, [server.host]))
            }
        }
        let parts = texts.map { preview, hosts in
            let names = hosts.map(\.description).joined(separator: ", ")
            return "\(names) (\(preview.backend.rawValue)):\n\(indented(preview.text))"
        }
        return "\nrules, from the division to the clean-up:\n\n" + parts.joined(separator: "\n\n")
    }

    /// Whatever an agent hands out, it never looks like another part of the plan.
    private func indented(_ text: String) -> String {
        PrintableText(lines: text).description.split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.isEmpty ? "" : "  \($0)" }.joined(separator: "\n")
    }
}
