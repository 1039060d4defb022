import ControlProtocol
import FoundationEssentials

/// Tells commands apart that come under one id.
enum CommandDigest {
    /// Equal for equal commands, whatever the order of keys and the spaces in the request.
    static func of(_ command: Command) throws(AgentServerError) -> String {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return ContentDigest.sha256(try encoder.encode(command))
        } catch {
            throw .storage(path: "a command", operation: "encode", reason: "\(error)")
        }
    }
}
