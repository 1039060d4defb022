import ControlProtocol
import Fleet
import FoundationEssentials
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Reporting

@testable import AgentClient

extension FuzzTarget {
    /// What an agent answers to a coordinator.
    static let replies: [FuzzTarget] = [
        FuzzTarget(name: "reply-status", corpus: "replies", suffix: ".status", style: .json) { _ in
            { input in
                let status: HostStatus
                do { status = try JSONDecoder().decode(HostStatus.self, from: Data(input)) } catch {
                    return false
                }
                let answers = [status.host: Observation.status(status)]
                _ = StatusText([status.host], answers).text
                var rules = RulesText()
                _ = rules.told(status.host, .status(status)) + rules.end()
                _ = try JSONEncoder().encode(status)
                return true
            }
        },
        FuzzTarget(name: "reply-stream", corpus: "replies", suffix: ".http") { _ in
            { input in
                let channel = EmbeddedChannel()
                try channel.pipeline.syncOperations.addHTTPClientHandlers(leftOverBytesStrategy: .dropBytes)
                // A response is read only to a request.
                let head = HTTPRequestHead(version: .http1_1, method: .POST, uri: "/v1/commands")
                try channel.writeOutbound(HTTPClientRequestPart.head(head))
                try channel.writeOutbound(HTTPClientRequestPart.end(nil))
                do { try channel.writeInbound(ByteBuffer(bytes: input)) } catch { _ = "\(error)" }
                var reader = ReplyReader()
                var events = 0
                while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
                    reader.take(part)
                    while let line = try reader.nextLine() { events += decoded(line) }
                }
                do { _ = try channel.finish(acceptAlreadyClosed: true) } catch { _ = "\(error)" }
                return reader.isComplete || events > 0
            }
        },
        FuzzTarget(name: "reply-reads", corpus: "replies", suffix: ".json", style: .json) { _ in
            { input in
                let data = Data(input)
                return decodes(HistoryReply.self, data) || decodes(FileContent.self, data)
                    || decodes(ProbeReply.self, data) || decodes(LeaseState.self, data)
                    || decodes(ErrorReply.self, data) || decodes(RulesPreview.self, data)
                    || decodes(CommandOutcome.self, data)
            }
        },
    ]

    private static func decoded(_ line: Data) -> Int {
        do {
            let event = try JSONDecoder().decode(CommandEvent.self, from: line)
            if case .finished(.refused(let refusal)) = event { _ = refusal.description }
            return 1
        } catch {
            return 0
        }
    }

    private static func decodes<Value: Codable>(_: Value.Type, _ data: Data) -> Bool {
        do {
            let value = try JSONDecoder().decode(Value.self, from: data)
            _ = try JSONEncoder().encode(value)
            return true
        } catch {
            return false
        }
    }
}
