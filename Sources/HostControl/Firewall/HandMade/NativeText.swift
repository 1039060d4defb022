/// A rule of nft, as nft itself would print it where its expressions are the usual ones.
///
/// For people; nothing is decided by it.
enum NativeText {
    static func of(_ expressions: [JSONValue], comment: String?) -> String {
        let words = expressions.map { of($0) }.filter { !$0.isEmpty }
        return (words + (comment.map { ["comment \"\($0)\""] } ?? [])).joined(separator: " ")
    }

    static func of(_ value: JSONValue) -> String {
        switch value {
        case .null: return ""
        case .truth(let isTrue): return isTrue ? "true" : "false"
        case .integer(let number): return String(number)
        case .text(let text): return text
        case .list(let elements): return elements.map { of($0) }.joined(separator: ", ")
        case .object(let members):
            guard members.count == 1, let member = members.first else {
                return members.sorted { $0.key < $1.key }.map { "\($0.key) \(of($0.value))" }
                    .joined(separator: " ")
            }
            return of(member.key, member.value)
        }
    }

    private static func of(_ key: String, _ value: JSONValue) -> String {
        switch key {
        case "match":
            let operation = value["op"]?.asText ?? "=="
            return [
                of(value["left"] ?? nil), operation == "==" || operation == "in" ? "" : operation,
                of(value["right"] ?? nil),
            ]
            .filter { !$0.isEmpty }.joined(separator: " ")
        case "payload": return "\(of(value["protocol"] ?? nil)) \(of(value["field"] ?? nil))"
        case "meta": return "meta \(of(value["key"] ?? nil))"
        case "ct": return "ct \(of(value["key"] ?? nil))"
        case "set": return "{ \(of(value)) }"
        case "elem": return of(value["val"] ?? nil)
        case "prefix": return "\(of(value["addr"] ?? nil))/\(of(value["len"] ?? nil))"
        case "range": return (value.asList ?? []).map { of($0) }.joined(separator: "-")
        // The counts are told apart.
        case "counter": return "counter"
        case "jump", "goto": return "\(key) \(of(value["target"] ?? nil))"
        case "vmap": return "\(of(value["key"] ?? nil)) vmap \(of(value["data"] ?? nil))"
        case "xt": return "xt \(of(value["type"] ?? nil)) \(of(value["name"] ?? nil))"
        case "reject":
            guard let kind = value["type"]?.asText else { return key }
            return kind == "tcp reset"
                ? "reject with tcp reset" : "reject with \(kind) \(of(value["expr"] ?? nil))"
        case _:
            let rest = of(value)
            return rest.isEmpty ? key : "\(key) \(rest)"
        }
    }
}
