import FoundationEssentials

/// `lease.json`: replaced atomically, on disk before anybody is told of a grant.
package struct LeaseStore: Sendable {
    private let path: String
    private let reserve: SpaceReserve

    package init(directory: String) {
        path = directory + "/lease.json"
        reserve = SpaceReserve(directory: directory)
    }

    /// Nil when there was never a grant.
    ///
    /// A file that is there but cannot be understood is an error.
    package func read() throws(AgentServerError) -> LeaseRecord? {
        let content: Data?
        do {
            content = try DurableFile.read(path)
        } catch {
            throw .leaseUnreadable(path: path, reason: error.reason)
        }
        guard let content else { return nil }
        do {
            return try JSONDecoder().decode(LeaseRecord.self, from: content)
        } catch {
            throw .leaseUnreadable(path: path, reason: "not a lease record (\(JSONProblem.describe(error)))")
        }
    }

    package func write(_ record: LeaseRecord) throws(AgentServerError) {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            let content = try encoder.encode(record) + Data("\n".utf8)
            // Without a lease no wall can be removed.
            try reserve.using { () throws(SystemCallError) in try DurableFile.replace(path, with: content) }
        } catch let error as SystemCallError {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        } catch {
            throw .storage(path: path, operation: "encode", reason: "\(error)")
        }
    }
}
