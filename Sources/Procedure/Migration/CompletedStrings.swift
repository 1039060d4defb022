import ControlProtocol
import Fleet
import FoundationEssentials
import Settings
import Topology

/// Trap 30: the files of whoever was moved name the seeds only. At the end they name every destination server; nothing is restarted.
extension MigrationProcedure {
    /// Nil where the seeds are all there is, or nobody was repointed.
    var completeConnectStrings: Step? {
        let files = shortFiles
        guard plan.seeds.count < destination.count, !(kafka == nil && clients == nil) else { return nil }
        return Step(
            "clean-up.connect-strings",
            "Name every destination server in the files of brokers and clients, restart nothing",
            act: complete(files),
            verify: stringsAreComplete(files),
            undo: .none(because: "past the point of no return"),
            // The first look counts: whoever was started since has read the whole list.
            seeing: { fleet, facts in
                // One that names them all since it was repointed has no short list.
                for file in files
                where facts.shortLists[file.title] == nil && file.digest != file.completedDigest {
                    guard fleet.file(file.path, on: file.host)?.digest == file.completedDigest,
                        case .running(let pid)? = fleet.service(file.service, on: file.host)
                    else { continue }
                    facts.shortLists[file.title] = pid
                }
            }
        )
    }

    /// A file as the run wrote it, and as it is to stay.
    private struct ShortFile {
        let title: String
        let host: HostName
        let service: String
        let path: String
        let digest: String
        let completed: Data

        var completedDigest: String { ContentDigest.sha256(completed) }
    }

    /// What cannot be rewritten was refused by the preflight.
    private var shortFiles: [ShortFile] {
        let brokers = (kafka?.brokers ?? []).compactMap { broker -> ShortFile? in
            guard let file = survey.kafka?.file(of: broker.host), let digest = kafka?.newDigest(of: broker)
            else {
                return nil
            }
            do throws(KafkaFileError) {
                let content = Data(try RepointedProperties(plan: plan).completed(file))
                return ShortFile(
                    title: broker.name,
                    host: broker.host,
                    service: broker.service,
                    path: file.path,
                    digest: digest,
                    completed: content
                )
            } catch {
                return nil
            }
        }
        let others = (clients?.clients ?? []).compactMap { client -> ShortFile? in
            guard let file = survey.clients?.file(of: client), let digest = clients?.newDigest(of: client)
            else {
                return nil
            }
            do throws(ClientFileError) {
                let content = Data(try RepointedClient(plan: plan, client: client).completed(file))
                return ShortFile(
                    title: client.title,
                    host: client.host,
                    service: client.service,
                    path: file.path,
                    digest: digest,
                    completed: content
                )
            } catch {
                return nil
            }
        }
        return brokers + others
    }

    private func complete(_ files: [ShortFile]) -> Act {
        .decided(
            summary: "write \(plan.destinationConnect.map(\.description).joined(separator: ",")) into "
                + "\(files.count) files that name the seeds",
            by: { fleet, facts in
                if let silent = files.lazy.compactMap({ fleet.unanswered($0.host) }).first {
                    return .wait(because: silent)
                }
                let commands = files.filter { fleet.file($0.path, on: $0.host)?.digest == $0.digest }
                    .filter { $0.digest != $0.completedDigest }
                    .map { file in
                        let write = FileWrite(path: file.path, expected: file.digest, content: file.completed)
                        return HostCommand(file.host, .writeFile(write: write))
                    }
                guard !commands.isEmpty else { return .nothingToDo(because: "no file names the seeds only") }
                return .act(commands, because: "\(commands.count) files name the seeds only", noting: facts)
            },
            looking: Look(hosts: Array(Set(files.map(\.host))).sorted())
        )
    }

    private func stringsAreComplete(_ files: [ShortFile]) -> Gate {
        Gate(
            "\(files.count) files name every destination server",
            hosts: Array(Set(files.map(\.host))).sorted(),
            deadline: plan.deadlines.restart
        ) { fleet, _ in
            var other: [String] = []
            for file in files {
                if let silent = fleet.unanswered(file.host) { return .waiting(reason: silent) }
                let found = fleet.file(file.path, on: file.host)?.digest
                if found == file.completedDigest { continue }
                guard found != file.digest else {
                    return .waiting(reason: "\(file.title): \(file.path) names the seeds only")
                }
                other.append("\(file.title): somebody else changed \(file.path)")
            }
            let done =
                "\(files.count - other.count) files name every destination server; whoever reads them uses it from its "
                + "next start on"
            return other.isEmpty
                ? .holds(observed: done)
                : .warns(
                    observed:
                        "\(done); not written, see that they name \(plan.destinationConnect.map(\.description).joined(separator: ",")): "
                        + other.joined(separator: "; ")
                )
        }
    }
}
