package import ControlProtocol

/// Everything the agent serves.
///
/// docs/openapi.yaml describes each; a test compares the two.
package enum Route: Hashable, Sendable {
    case status
    case servingStatus
    case metrics
    case requestLease
    case releaseLease
    case submitCommand
    case commandOutcome(id: CommandID)
    case readFile
    case previewRules
    case probe
    case readHistory
    case readHandMade
    case askParser
    case readClients
    case readWrites
    case extendChain
    case readChain

    package enum Audience: Hashable, Sendable {
        case coordinators
        /// Coordinators too.
        case viewers
    }

    package enum Method: String, Hashable, Sendable {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    package enum Match: Hashable, Sendable {
        case found(route: Route)
        case wrongMethod(allowed: [Method])
        case invalid(reason: String)
        case unknown
    }

    private static let exact: [String: [Method: Route]] = [
        "/v1/status": [.get: .status],
        "/v1/status/serving": [.get: .servingStatus],
        "/metrics": [.get: .metrics],
        "/v1/lease": [.post: .requestLease, .delete: .releaseLease],
        "/v1/commands": [.post: .submitCommand],
        "/v1/read/file": [.post: .readFile],
        "/v1/read/rules": [.post: .previewRules],
        "/v1/read/probe": [.post: .probe],
        "/v1/read/history": [.post: .readHistory],
        "/v1/read/hand-made": [.post: .readHandMade],
        "/v1/read/parser": [.post: .askParser],
        "/v1/read/clients": [.post: .readClients],
        "/v1/read/writes": [.post: .readWrites],
        "/v1/chain": [.post: .extendChain],
        "/v1/read/chain": [.post: .readChain],
    ]

    private static let commandPrefix = "/v1/commands/"

    /// Every path and method, as docs/openapi.yaml writes them.
    package static let table: [(path: String, method: Method)] =
        (exact.flatMap { path, methods in methods.keys.map { (path, $0) } } + [(commandPrefix + "{id}", .get)])
        .sorted { ($0.0, $0.1.rawValue) < ($1.0, $1.1.rawValue) }
        .map { (path: $0.0, method: $0.1) }

    /// `target` is the request's path; a query makes it unknown, since no route takes one.
    package static func match(method: String, target: String) -> Match {
        if let methods = exact[target] {
            if let route = Method(rawValue: method).flatMap({ methods[$0] }) { return .found(route: route) }
            return .wrongMethod(allowed: methods.keys.sorted { $0.rawValue < $1.rawValue })
        }
        guard target.hasPrefix(commandPrefix) else { return .unknown }
        guard method == Method.get.rawValue else { return .wrongMethod(allowed: [.get]) }
        guard let id = CommandID(String(target.dropFirst(commandPrefix.count))) else {
            return .invalid(reason: "not a command id; ids are made of a-z 0-9 . -")
        }
        return .found(route: .commandOutcome(id: id))
    }

    package var audience: Audience {
        switch self {
        case .status, .metrics: .viewers
        case .servingStatus, .requestLease, .releaseLease, .submitCommand, .commandOutcome, .readFile,
            .previewRules, .probe, .readHistory, .readHandMade, .askParser, .readClients, .readWrites,
            .extendChain,
            .readChain:
            .coordinators
        }
    }

    /// What takes none is answered before one is read.
    package var takesBody: Bool {
        switch self {
        case .status, .servingStatus, .metrics, .commandOutcome: false
        case .requestLease, .releaseLease, .submitCommand, .readFile, .previewRules, .probe, .readHistory,
            .readHandMade, .askParser, .readClients, .readWrites, .extendChain, .readChain:
            true
        }
    }
}
