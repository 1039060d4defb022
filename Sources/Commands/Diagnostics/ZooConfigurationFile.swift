import Diagnostics
import SystemCalls
import Topology

/// A zoo.cfg as a list of the servers that clients can be given.
struct ZooConfigurationFile {
    private let path: String
    private let configuration: ZooConfiguration

    /// Nil for a file that is none: no line of it sets what every zoo.cfg sets.
    init?(reading path: String) throws {
        let file: BoundedFile
        do throws(BoundedFile.Failure) {
            file = try BoundedFile(reading: path, limit: 1 << 20)
        } catch {
            // Told by who reads it next.
            return nil
        }
        guard Self.isZooConfiguration(String(decoding: file.bytes, as: UTF8.self)) else { return nil }
        self.path = path
        do throws(ZooConfigurationError) {
            configuration = try ZooConfiguration(file.bytes)
        } catch {
            throw Complaint("\(path): \(error)")
        }
    }

    private static func isZooConfiguration(_ text: String) -> Bool {
        text.split(whereSeparator: \.isNewline)
            .contains { line in
                // Java's three separators.
                let name = line.drop(while: \.isWhitespace).prefix { !"=:".contains($0) && !$0.isWhitespace }
                return name == "dataDir" || name == "clientPort" || name.hasPrefix("server.")
            }
    }

    /// In the order of the file; the one of a standalone server is this host's.
    func servers(clientPort other: Int) throws -> [ComparedServer] {
        guard let usual = configuration.clientPort ?? Port(other) else { return [] }
        guard !configuration.servers.isEmpty else {
            let host = configuration.clientPortAddress ?? "localhost"
            return [ComparedServer(.init(host: host, port: usual))]
        }
        return configuration.servers.map { entry in
            let own = entry.clientAddress.flatMap { ["0.0.0.0", "::"].contains($0) ? nil : $0 }
            return ComparedServer(
                .init(host: own ?? entry.member.address, port: entry.clientPort ?? usual)
            )
        }
    }
}
