import ControlProtocol
import Fleet
import FoundationEssentials

/// A file of a host as its agent hands it out, or why it does not.
struct FileReading: Sendable {
    struct Obstacle: Error, Hashable, Sendable {
        let unread: Survey.Unread
    }

    let host: HostName
    let path: String
    private(set) var result: Result<FileContent, FleetError>?

    init(host: HostName, path: String) {
        self.host = host
        self.path = path
    }

    /// All of them, in their order.
    static func perform(_ files: [FileReading], through fleet: any Fleet) async -> [FileReading] {
        await mapHosts(files) { file in await file.performed(through: fleet) }
    }

    private func performed(through fleet: any Fleet) async -> FileReading {
        var read = self
        do throws(FleetError) {
            read.result = .success(try await fleet.read(path, on: host))
        } catch {
            read.result = .failure(error)
        }
        return read
    }

    /// With its content; `absence` is what is said of a file that does not exist.
    func file(_ absence: String) -> Result<Survey.File, Obstacle> {
        switch result {
        case nil: return obstacle("it was not asked for")
        case .failure(.unreachable(_, let reason)): return obstacle(reason, isSilence: true)
        case .failure(let error): return obstacle(error.sentence)
        case .success(let answer):
            guard let content = answer.content, let digest = answer.state.digest else {
                return obstacle(absence)
            }
            return .success(Survey.File(host: host, path: path, digest: digest, content: content))
        }
    }

    private func obstacle(_ reason: String, isSilence: Bool = false) -> Result<Survey.File, Obstacle> {
        let unread = Survey.Unread(host: host, path: path, reason: reason, isSilence: isSilence)
        return .failure(Obstacle(unread: unread))
    }
}

extension FleetError {
    /// The description without the host that it begins with.
    var sentence: String {
        description.hasPrefix("\(host): ") ? String(description.dropFirst("\(host): ".count)) : description
    }
}
