package import ControlProtocol
import Subprocess

/// Hands a wall's text to the backend's own program, which judges all of it and changes nothing.
///
/// What would fail at the division fails here: a program that is missing or cannot reach the kernel, a lock that
/// somebody else holds, a rule that this version does not take.
package struct WallRehearsal: Sendable {
    private let backend: FirewallBackend
    private let tools: PacketTools
    private static let lockSeconds = 3

    package init(backend: FirewallBackend) { self.init(backend: backend, launcher: []) }

    /// `launcher`: prefixed to every command; tests enter a network namespace with it.
    init(backend: FirewallBackend, launcher: [String]) {
        self.backend = backend
        // A coordinator waits ten seconds for the answer, and there may be two families.
        tools = PacketTools(launcher: launcher, seconds: 4)
    }

    /// `text`: as `Firewall.preview` gives it.
    package func perform(_ text: String) async throws(FirewallError) {
        switch backend {
        case .nftables:
            let answer = try await run("nft", ["-c", "-j", "-f", "-"], input: text)
            guard answer.status.isSuccess else { throw answer.failure }
        case .iptablesNft, .iptablesLegacy:
            for part in Self.parts(text) { try await test(part) }
        }
    }

    private func test(_ part: (program: String, rules: String)) async throws(FirewallError) {
        let arguments = ["--test", "--noflush", "--wait=\(Self.lockSeconds)"]
        let answer = try await run(part.program, arguments, input: part.rules)
        if answer.status.isSuccess { return }
        if answer.status == .exited(4), answer.diagnostics.contains("xtables lock") {
            throw .lockTimeout(command: answer.command, diagnostics: answer.diagnostics)
        }
        throw answer.failure
    }

    private func run(
        _ program: String,
        _ arguments: [String],
        input: String
    ) async throws(FirewallError) -> PacketTools.Answer {
        guard let path = PacketTools.path(of: program) else {
            throw .backendMissing(backend: backend, program: program)
        }
        return try await tools.run(path, arguments, input: input)
    }

    /// iptables has a program for each family; the preview names it in a comment before its rules.
    private static func parts(_ text: String) -> [(program: String, rules: String)] {
        var parts: [(program: String, rules: String)] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let words = line.split(separator: " ")
            if words.first == "#", words.count > 1, words[1].hasSuffix("-restore") {
                parts.append((String(words[1]), ""))
            } else if !parts.isEmpty {
                parts[parts.count - 1].rules += line + "\n"
            }
        }
        return parts
    }
}
