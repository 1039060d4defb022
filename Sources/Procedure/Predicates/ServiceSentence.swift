import ControlProtocol
import Settings
import Topology

extension ServiceState {
    /// As the end of a sentence about a service.
    var sentence: String {
        switch self {
        case .running(let pid): "runs (pid \(pid))"
        case .changing: "is being started or stopped"
        case .stopped: "is stopped"
        case .failed(let reason): "has failed: \(reason)"
        }
    }
}
