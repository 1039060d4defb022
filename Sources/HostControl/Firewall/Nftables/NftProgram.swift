import ControlProtocol
import FoundationEssentials
import Subprocess

/// `nft`, speaking JSON both ways.
struct NftProgram: Sendable {
    let path: String
    private let tools: PacketTools

    /// Nil when the host does not have it.
    init?(tools: PacketTools) {
        guard let path = PacketTools.path(of: "nft") else { return nil }
        self.path = path
        self.tools = tools
    }

    /// The kernel takes all of the document or nothing.
    func apply(_ document: String) async throws(FirewallError) {
        _ = try await checked(["-j", "-f", "-"], input: document)
    }

    func list(_ arguments: [String]) async throws(FirewallError) -> JSONValue {
        let answer = try await checked(["-j", "list"] + arguments)
        do throws(JSONReader.Mistake) {
            return try JSONReader.value(of: answer.output)
        } catch {
            throw .unreadable(source: answer.command, detail: "\(error)")
        }
    }

    /// As an operator sees it.
    func listing(_ arguments: [String]) async throws(FirewallError) -> String {
        try await checked(["list"] + arguments).output
    }

    /// The same, byte for byte.
    func printed(_ arguments: [String]) async throws(FirewallError) -> [UInt8] {
        try await checked(["list"] + arguments).content
    }

    static func text(_ document: JSONValue) throws(FirewallError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            return String(decoding: try encoder.encode(document), as: UTF8.self) + "\n"
        } catch {
            throw .unreadable(source: "the ruleset to be written", detail: "\(error)")
        }
    }

    private func checked(
        _ arguments: [String],
        input: String = ""
    ) async throws(FirewallError) -> PacketTools.Answer {
        let answer = try await tools.run(path, arguments, input: input)
        guard answer.status.isSuccess else { throw answer.failure }
        return answer
    }
}
