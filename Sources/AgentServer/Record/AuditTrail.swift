package import ControlProtocol
import FoundationEssentials
import Glibc
package import Logging
import Logs
import SystemCalls

/// `audit.jsonl`: who asked for what, from where, and what came of it.
///
/// Opened anew for every line, so that logrotate may move it away at any time.
package struct AuditTrail: Sendable {
    package struct Line: Hashable, Sendable, Codable {
        /// Unix milliseconds.
        package let time: Int64
        package let identity: String
        package let serial: String
        package let peer: String
        package let run: RunID?
        package let epoch: FencingEpoch?
        package let id: CommandID?
        /// Digests stand for file contents.
        package let command: String
        package let outcome: String
        package let milliseconds: Int
    }

    private let path: String
    private let log: Logger

    package init(directory: String, log: Logger) {
        path = directory + "/audit.jsonl"
        self.log = log
    }

    /// Never stops a command: one that was carried out must be answered.
    ///
    /// A line that cannot be written is logged.
    package func append(_ line: Line) {
        log.info(
            "command",
            fields: [
                "identity": line.identity, "serial": line.serial, "peer": line.peer,
                "run": line.run?.description ?? "-", "epoch": line.epoch?.description ?? "-",
                "id": line.id?.description ?? "-", "command": line.command, "outcome": line.outcome,
                "ms": String(line.milliseconds),
            ]
        )
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            try Self.append(encoder.encode(line) + Data("\n".utf8), to: path)
        } catch let error as SystemCallError {
            log.error(
                "audit line not written",
                fields: ["path": path, "call": error.call, "reason": error.reason]
            )
        } catch {
            log.error("audit line not written", fields: ["path": path, "reason": "\(error)"])
        }
    }

    private static func append(_ line: Data, to path: String) throws(SystemCallError) {
        let descriptor = try PlainFile.open(path, O_WRONLY | O_APPEND | O_CREAT)
        defer { close(descriptor) }
        try DescriptorOutput.write([UInt8](line), to: descriptor)
        guard fsync(descriptor) == 0 else { throw .last("fsync") }
    }
}
