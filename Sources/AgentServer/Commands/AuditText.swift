import ControlProtocol
import HostControl
import Printable
import Topology

/// What the audit trail and the record keep of a command: everything but a file's content.
///
/// It is on disk and in logs that others search: the words for people stand elsewhere (`Command.summary`).
enum AuditText {
    static func of(_ command: Command) -> String { PrintableText(words(command), limit: .max).description }

    private static func words(_ command: Command) -> String {
        switch command {
        case .installWall(let wall, let holding, let lapse):
            "install wall peers=\(wall.peers.listed(",")) scope=\(scope(wall.scope))"
                + (holding.map { " holding=\($0.listed(","))" } ?? "") + words(lapse)
        case .removeWall: "remove wall"
        case .sever(let wall): "sever connections peers=\(wall.peers.listed(",")) scope=\(scope(wall.scope))"
        case .writeFile(let write):
            "write \(write.path) from=\(ContentDigest.text(write.expected)) to=\(write.digest)"
        case .restoreFile(let restore): "restore \(restore.path)"
        case .service(let request):
            request.text
                + (request.replacing.map { " replacing=\($0)" } ?? "")
        case .detach(let request):
            "detach \(request.service) pid=\(request.pid.map(String.init) ?? "(none)") seconds=\(request.seconds) "
                + "wall peers=\(request.wall.peers.listed(",")) scope=\(scope(request.wall.scope))"
                + words(request.lapse)
        case .discardCopy: "discard the copy of the data"
        case .pilotWall(let wall):
            "try a wall out peers=\(wall.peers.listed(",")) scope=\(scope(wall.scope))"
        case .removeHandMadeRules(let request):
            "remove hand-made rules addresses=\(addresses(request.addresses))"
        case .setAside(let request): "set aside the data of \(request.service)"
        case .keepOrder(let restoring):
            "keep the order for good" + (restoring ?? []).map { " restoring=\($0.path)" }.joined()
        }
    }

    private static func words(_ lapse: LapseRequest?) -> String {
        guard let lapse else { return "" }
        return " lapse=\(lapse.seconds)s" + words(lapse.files) + (lapse.starts ? " starting" : "")
    }

    private static func words(_ files: [FileWrite]) -> String {
        files.map { " writing=\($0.path) from=\(ContentDigest.text($0.expected)) to=\($0.digest)" }.joined()
    }

    /// Of what the host does by itself.
    static func of(_ act: OwnDeed.Act) -> String {
        let text =
            switch act {
            case .lapse(let lapse):
                "go back after \(lapse.seconds) s without a coordinator:\(words(lapse.files)) remove wall"
                    + (lapse.starting.isEmpty ? "" : " starting=\(lapse.starting.listed(","))")
            case .reinstate(let wall, let start):
                "put back wall peers=\(wall.peers.listed(",")) scope=\(scope(wall.scope)) asked=\(start)"
            }
        return PrintableText(text, limit: .max).description
    }

    private static func addresses(_ all: [IPAddress]) -> String {
        let listed = 64
        let more = all.count > listed ? ",and \(all.count - listed) more" : ""
        return all.prefix(listed).listed(",") + more
    }

    static func of(_ outcome: CommandOutcome) -> String {
        switch outcome {
        case .done: "done"
        case .refused(let refusal): "refused: \(PrintableText(refusal.description))"
        case .failed(let message): "failed: \(PrintableText(message))"
        }
    }

    private static func scope(_ scope: Wall.Scope) -> String {
        switch scope {
        case .allTCP: "all-tcp"
        case .ports(let numbers): numbers.listed(",")
        }
    }
}
