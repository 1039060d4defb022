import ControlProtocol
import FoundationEssentials

/// What the audit trail says of a request: everything but contents and foreign words.
enum RequestText {
    /// What is said of leases begins so.
    static let lease = "lease"

    /// `body` as it came: what is no valid body adds nothing.
    static func of(_ route: Route?, method: String, target: String, body: Data) -> String {
        let request = "\(method.prefix(16)) \(target.prefix(200))"
        do {
            switch route {
            case .requestLease:
                let asked = try WireJSON.decode(LeaseRequest.self, from: body)
                return "\(lease) for \(asked.secondsToLive) s" + (asked.takeOver ? ", taking over" : "")
            case .releaseLease: return "\(lease) given back"
            case .readFile:
                let asked = try WireJSON.decode(FileReadRequest.self, from: body)
                return "read \(asked.original == nil ? "file" : "original of") \(asked.path.prefix(400))"
            case .previewRules:
                let wall = try WireJSON.decode(RulesPreviewRequest.self, from: body).wall
                return "preview rules for \(wall.peers.count) peers"
            case .probe:
                let targets = try WireJSON.decode(ProbeRequest.self, from: body).targets
                return "probe "
                    + targets.prefix(16).map { "\($0.address) \($0.port)" }.joined(separator: ", ")
            case .readHistory:
                let zxids = try WireJSON.decode(HistoryRequest.self, from: body).zxids
                return "look for \(zxids.count) transactions"
            case .readHandMade:
                let addresses = try WireJSON.decode(HandMadeRequest.self, from: body).addresses
                return "look for hand-made rules against \(addresses.count) addresses"
            case .askParser:
                let contents = try WireJSON.decode(ParserRequest.self, from: body).contents
                return "ask the server's own parser about \(contents.count) files"
            case .readClients:
                let asked = try WireJSON.decode(ClientsRequest.self, from: body)
                return "look who is connected" + (asked.sessions ? ", and with which session" : "")
            case .readWrites:
                let asked = try WireJSON.decode(WritesRequest.self, from: body)
                return "look for writes into \(asked.trees.count) trees after \(asked.after)"
            case .extendChain:
                let asked = try WireJSON.decode(ChainRequest.self, from: body)
                return "keep the run's chain" + (asked.replacing ? ", in place of another" : "")
            case .readChain: return "read the run's chain"
            case nil, .status, .servingStatus, .metrics, .submitCommand, .commandOutcome: return request
            }
        } catch {
            return request
        }
    }

    static func leaseOf(_ route: Route?, _ body: Data) -> Lease? {
        do {
            switch route {
            case .requestLease: return try WireJSON.decode(LeaseRequest.self, from: body).lease
            case .releaseLease: return try WireJSON.decode(Lease.self, from: body)
            case .extendChain: return try WireJSON.decode(ChainRequest.self, from: body).lease
            case nil, .status, .servingStatus, .metrics, .submitCommand, .commandOutcome, .readFile,
                .previewRules,
                .probe, .readHistory, .readHandMade, .askParser, .readClients, .readWrites, .readChain:
                return nil
            }
        } catch {
            return nil
        }
    }

    /// Never what a body or a file holds: reasons that may quote them are left out.
    static func outcome(_ reply: HTTPReply) -> String {
        guard reply.status >= 400 else { return "answered" }
        guard case .whole(let content) = reply.body else { return "status \(reply.status)" }
        let told: ErrorReply
        do { told = try WireJSON.decode(from: content) } catch { return "status \(reply.status)" }
        switch told.refusal {
        case .invalid: return "refused: not valid"
        case let refusal?: return "refused: \(String(describing: refusal).prefix(400))"
        case nil: break
        }
        switch reply.status {
        case 404: return "refused: there is no such thing"
        case 405: return "refused: not for this method"
        case 413: return "refused: too large"
        // The agent's own words, without what differs each time: like refusals share a line.
        case 429, 503: return "refused: " + told.error.prefix { $0 != ";" && $0 != "(" }.trimmed
        case let status: return "failed with status \(status)"
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring { last == " " ? dropLast() : self }
}
