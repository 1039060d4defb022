import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// `lease.json`: replaced atomically, on disk before anybody is told of a grant.
package struct LeaseStore: Sendable {
    /// More than any lease record can be.
    private static let sizeLimit = 1 << 20

    private let path: String
    private let reserve: SpaceReserve

    package init(directory: String) {
        path = directory + "/lease.json"
        reserve = SpaceReserve(directory: directory)
    }

    /// Nil when there was never a grant.
    ///
    /// A file that is there but cannot be understood is an error. Changes nothing: an agent may be writing it.
    package func read() throws(AgentServerError) -> LeaseRecord? { try found()?.record }

    /// The same for the agent that starts: a file that an earlier version wrote gets its checksum.
    package func adopt() throws(AgentServerError) -> LeaseRecord? {
        guard let found = try found() else { return nil }
        if !found.isSealed {
            do throws(AgentServerError) { try write(found.record) } catch {
                // The next grant writes it.
            }
        }
        return found.record
    }

    private func found() throws(AgentServerError) -> (record: LeaseRecord, isSealed: Bool)? {
        guard let content = try content() else { return nil }
        switch SealedJSON.open(content) {
        case .sound(let object): return (try decode(object), true)
        case .unsealed(let object): return (try decode(object), false)
        case .damaged:
            throw .leaseUnreadable(
                path: path,
                reason: "its checksum does not match: it was damaged on the disk"
            )
        }
    }

    private func decode(_ object: [UInt8]) throws(AgentServerError) -> LeaseRecord {
        do throws(WireProblem) {
            return try WireJSON.decode(LeaseRecord.self, from: Data(object))
        } catch {
            throw .leaseUnreadable(path: path, reason: "not a lease record (\(error))")
        }
    }

    private func content() throws(AgentServerError) -> Data? {
        do throws(BoundedFile.Failure) {
            return Data(try BoundedFile(reading: path, limit: Self.sizeLimit, followingLinks: false).bytes)
        } catch {
            switch error {
            case .unreadable(let failure) where failure.code == ENOENT: return nil
            case .unreadable(let failure): throw .leaseUnreadable(path: path, reason: failure.reason)
            case .notRegular: throw .leaseUnreadable(path: path, reason: "not a regular file")
            case .tooLarge: throw .leaseUnreadable(path: path, reason: systemReason(EFBIG))
            }
        }
    }

    package func write(_ record: LeaseRecord) throws(AgentServerError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let content = try SealedJSON.seal(encoder.encode(record)) + Array("\n".utf8)
            // Without a lease no wall can be removed.
            try reserve.using { () throws(SystemCallError) in
                try DurableFile.replace(path, with: content)
            }
        } catch let error as SystemCallError {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        } catch {
            throw .storage(path: path, operation: "encode", reason: "\(error)")
        }
    }
}
