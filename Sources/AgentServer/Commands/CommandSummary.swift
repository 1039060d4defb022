import ControlProtocol
import FoundationEssentials

/// What the audit trail and the record keep of a command: everything but a file's content.
enum CommandSummary {
    static func of(_ command: Command) -> String {
        switch command {
        case .installWall(let wall): "install wall peers=\(list(wall.peers)) scope=\(scope(wall.scope))"
        case .removeWall: "remove wall"
        case .sever(let wall): "sever connections peers=\(list(wall.peers)) scope=\(scope(wall.scope))"
        case .writeFile(let write):
            "write \(write.path) from=\(write.expected ?? "(absent)") to=\(ContentDigest.sha256(write.content))"
        case .restoreFile(let restore): "restore \(restore.path)"
        case .service(let request):
            "\(request.action.rawValue) \(request.service)"
                + (request.replacing.map { " replacing=\($0)" } ?? "")
        case .detach(let request):
            "detach \(request.service) pid=\(request.pid.map(String.init) ?? "(none)") seconds=\(request.seconds) "
                + "wall peers=\(list(request.wall.peers)) scope=\(scope(request.wall.scope))"
        case .discardCopy: "discard the copy of the data"
        case .setAside(let request): "set aside the data of \(request.service)"
        }
    }

    static func of(_ outcome: CommandOutcome) -> String {
        switch outcome {
        case .done: "done"
        case .refused(let refusal): "refused: \(refusal)"
        case .failed(let message): "failed: \(message)"
        }
    }

    /// Equal for equal commands, whatever the order of keys and the spaces in the request.
    static func digest(of command: Command) throws(AgentServerError) -> String {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return ContentDigest.sha256(try encoder.encode(command))
        } catch {
            throw .storage(path: "a command", operation: "encode", reason: "\(error)")
        }
    }

    private static func scope(_ scope: Wall.Scope) -> String {
        switch scope {
        case .allTCP: "all-tcp"
        case .ports(let numbers): list(numbers)
        }
    }

    private static func list<Item: CustomStringConvertible>(_ items: [Item]) -> String {
        items.map(\.description).joined(separator: ",")
    }
}
