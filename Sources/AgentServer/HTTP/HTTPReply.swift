package import ControlProtocol
package import FoundationEssentials

/// An answer before it is put on the wire.
package struct HTTPReply: Sendable {
    package enum Body: Sendable {
        case whole(content: Data)
        case events(stream: AsyncStream<CommandEvent>)
    }

    package static let json = "application/json"
    package static let lines = "application/x-ndjson"
    package static let metrics = "text/plain; version=0.0.4; charset=utf-8"

    package let status: Int
    package let contentType: String
    /// For a 405: what the path does take.
    package let allow: String?
    /// Seconds after which it may be asked again.
    package let retryAfter: Int?
    package let body: Body

    package init(
        status: Int,
        contentType: String,
        allow: String? = nil,
        retryAfter: Int? = nil,
        body: Body
    ) {
        self.status = status
        self.contentType = contentType
        self.allow = allow
        self.retryAfter = retryAfter
        self.body = body
    }

    static func value(_ value: some Encodable) -> HTTPReply {
        do {
            return HTTPReply(status: 200, contentType: json, body: .whole(content: try encoded(value)))
        } catch {
            return HTTPReply.error(500, "the answer cannot be put into JSON: \(error)")
        }
    }

    static func error(
        _ status: Int,
        _ text: String,
        refusal: Refusal? = nil,
        allow: String? = nil,
        retryAfter: Int? = nil
    ) -> HTTPReply {
        let content: Data
        do {
            content = try encoded(ErrorReply(error: text, refusal: refusal))
        } catch {
            content = Data(#"{"error":"the error cannot be put into JSON"}"#.utf8)
        }
        return HTTPReply(
            status: status,
            contentType: json,
            allow: allow,
            retryAfter: retryAfter,
            body: .whole(content: content)
        )
    }

    static func refusal(_ refusal: Refusal) -> HTTPReply {
        let status =
            switch refusal {
            case .superseded, .epochTooFar, .leaseHeld, .noLease, .fileChanged, .idReused: 409
            case .notAllowed: 403
            case .invalid: 400
            }
        return .error(status, refusal.description, refusal: refusal)
    }

    static func encoded(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return WireText.printable(try encoder.encode(value))
    }
}
