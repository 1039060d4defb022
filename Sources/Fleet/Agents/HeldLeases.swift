package import ControlProtocol

extension Leases {
    /// Takes the lease on every host, renews it while `body` runs, and gives it back however that ends.
    ///
    /// The lease is given back only when no renewal is under way any more.
    package func holding<Value: Sendable>(
        _ lease: Lease,
        takeOver: Bool,
        while body: () async throws -> Value
    ) async throws -> Value {
        try await acquire(lease, takeOver: takeOver)
        let result: Result<Value, any Error>
        do {
            result = .success(try await renewing(lease, while: body))
        } catch {
            result = .failure(error)
        }
        await release(lease)
        return try result.get()
    }
}
