import ControlProtocol
import Fleet
import FoundationEssentials
import Procedure

/// The files of a survey whose contents nobody but their own hosts has.
///
/// Each is what its host has now, where that is still the same, else what its agent kept before the run first wrote to it; in
/// either case what the digest in the chain says.
struct OriginalFiles: Sendable {
    let run: RunID
    let fleet: any Fleet
    let agents: any ChainAgents

    private enum Found: Sendable {
        case file(Survey.File)
        case missing(String)
    }

    func complete(_ survey: Survey) async throws -> Survey {
        let files = try await originals(of: survey.files)
        var clients: ClientsSurvey?
        if let known = survey.clients {
            clients = ClientsSurvey(files: try await originals(of: known.files), unread: known.unread)
        }
        guard let kafka = survey.kafka else {
            return Survey(files: files, unread: survey.unread, clients: clients)
        }
        let fleet = fleet
        let metas = await mapHosts(kafka.metas) { meta -> KafkaSurvey.Meta in
            guard meta.refusal == nil else { return meta }
            do throws(FleetError) {
                // No run writes to it.
                let content = try await fleet.read(meta.path, on: meta.host).content
                return KafkaSurvey.Meta(host: meta.host, path: meta.path, content: content, refusal: nil)
            } catch {
                return KafkaSurvey.Meta(host: meta.host, path: meta.path, content: nil, refusal: error.reason)
            }
        }
        return Survey(
            files: files,
            unread: survey.unread,
            kafka: KafkaSurvey(
                files: try await originals(of: kafka.files),
                unread: kafka.unread,
                metas: metas
            ),
            clients: clients
        )
    }

    private func originals(of files: [Survey.File]) async throws -> [Survey.File] {
        let found = await mapHosts(files) { file in await original(of: file) }
        let missing = found.compactMap { found -> String? in
            if case .missing(let reason) = found { reason } else { nil }
        }
        guard missing.isEmpty else {
            throw Complaint(
                "files as they were before the run cannot be had from their hosts, and nothing goes on without them:\n"
                    + missing.joined(separator: "\n")
            )
        }
        return found.compactMap { found in
            if case .file(let file) = found { file } else { nil }
        }
    }

    private func original(of file: Survey.File) async -> Found {
        do throws(FleetError) {
            if let sound = sound(try await fleet.read(file.path, on: file.host), file) { return .file(sound) }
            let kept = try await agents.original(of: file.path, run: run, on: file.host)
            if let sound = sound(kept, file) { return .file(sound) }
            return .missing("\(file.host): \(file.path): what its agent kept is not what the run found there")
        } catch {
            return .missing("\(file.host): \(file.path): \(error.reason)")
        }
    }

    /// With its content, if that is what the digest says.
    private func sound(_ found: FileContent, _ file: Survey.File) -> Survey.File? {
        guard let content = found.content, ContentDigest.sha256(content) == file.digest else { return nil }
        return Survey.File(host: file.host, path: file.path, digest: file.digest, content: content)
    }
}
