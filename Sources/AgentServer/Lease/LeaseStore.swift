import FoundationEssentials

/// `lease.json`: replaced atomically, on disk before anybody is told of a grant.
package struct LeaseStore: Sendable {
    private let path: String

    package init(directory: String) { path = directory + "/lease.json" }

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
            try DurableFile.replace(path, with: encoder.encode(record) + Data("\n".utf8))
        } catch let error as SystemCallError {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        } catch {
            throw .storage(path: path, operation: "encode", reason: "\(error)")
        }
    }
}
