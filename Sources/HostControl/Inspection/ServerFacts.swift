import ControlProtocol
import SystemCalls
import Topology

/// A server and where its things are.
struct ServerFacts: Sendable {
    struct Endpoint: Sendable {
        let address: IPAddress
        let port: Port

        func ask() -> Serving { ServingReader.ask(address, port) }
    }

    let service: String
    let state: ServiceState
    let process: ProcessIdentity?
    /// Where it answers its clients; nil when its file names no plain client port, or a name that is not known.
    let endpoint: Endpoint?
    let peerPorts: Set<Port>
    /// Its configuration file, and with it where its data is.
    let seen: ConfigLook.Seen

    var problems: [String] { [seen.file.problem?.whole].compactMap { $0 } + seen.problems }
}
