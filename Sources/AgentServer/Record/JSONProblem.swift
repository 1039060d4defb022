/// Says in one line where a JSON text is not what it should be.
enum JSONProblem {
    static func describe(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return at(context.codingPath) + context.debugDescription
        case .keyNotFound(let key, let context):
            return at(context.codingPath) + "'\(key.stringValue)' is missing"
        @unknown default:
            return "\(error)"
        }
    }

    private static func at(_ path: [any CodingKey]) -> String {
        path.isEmpty ? "" : "at " + path.map(\.stringValue).joined(separator: ".") + ": "
    }
}
