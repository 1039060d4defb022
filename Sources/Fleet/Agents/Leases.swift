package import ControlProtocol
package import SystemCalls

/// Leases on all hosts of a run: taken together, renewed while it runs, released at its end.
package struct Leases: Sendable {
    /// Renewed every third of it.
    package static let secondsToLive = 60

    let hosts: [HostName]
    let fleet: any Fleet
    let timing: Timing

    package init(hosts: [HostName], fleet: any Fleet, timing: Timing) {
        self.hosts = hosts
        self.fleet = fleet
        self.timing = timing
    }

    /// One above the highest epoch that any agent has granted.
    ///
    /// Every agent must answer, and none may say what cannot be: its lease would be refused, and the epoch that it wants
    /// would be forced upon all others.
    package func nextEpoch() async throws(FleetError) -> FencingEpoch {
        let view = await fleet.observe(hosts)
        for host in hosts {
            switch view[host] {
            case .status: break
            // What is wrong, and what to do, is said already.
            case .silent(let reason): throw .broken(host: host, reason: host.leftOut(of: reason))
            case nil: throw .unreachable(host: host, reason: "not observed")
            }
        }
        let poll = EpochPoll(view.filter { hosts.contains($0.key) })
        if let outlier = poll.outliers.first { throw outlier.error }
        return try poll.next()
    }

    /// All or none: when one agent refuses, those already granted are released.
    package func acquire(_ lease: Lease, takeOver: Bool) async throws(FleetError) {
        let request = LeaseRequest(lease: lease, secondsToLive: Self.secondsToLive, takeOver: takeOver)
        let failures = await onEveryHost { host throws(FleetError) in
            _ = try await fleet.acquire(request, on: host)
        }
        guard let first = failures.first else { return }
        await release(lease)
        throw first
    }

    /// Renews while `body` runs, and returns only when no renewal is under way any more: one that came to an agent
    /// after the release would ask for a lease that nobody uses.
    ///
    /// The end of `body` breaks off a renewal that has no answer yet. An agent that reads such a request late refuses
    /// it, for it grants nothing that was given back.
    package func renewing<Value: Sendable>(
        _ lease: Lease,
        while body: () async throws -> Value
    ) async throws -> Value {
        let renewal = Task { await renew(lease) }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        renewal.cancel()
        await renewal.value
        return try result.get()
    }

    /// Renews until cancelled.
    ///
    /// A host that does not answer is tried again at the next turn; commands to an agent that has granted a
    /// newer epoch are refused there.
    private func renew(_ lease: Lease) async {
        let request = LeaseRequest(lease: lease, secondsToLive: Self.secondsToLive)
        while !Task.isCancelled {
            await timing.sleep(.seconds(Self.secondsToLive / 3))
            if Task.isCancelled { return }
            _ = await onEveryHost { host throws(FleetError) in _ = try await fleet.acquire(request, on: host)
            }
        }
    }

    /// Best effort: a lease that is not released lapses.
    package func release(_ lease: Lease) async {
        _ = await onEveryHost { host throws(FleetError) in try await fleet.release(lease, on: host) }
    }

    private func onEveryHost(
        _ body: @escaping @Sendable (HostName) async throws(FleetError) -> Void
    ) async -> [FleetError] {
        await mapHosts(hosts) { host -> FleetError? in
            do throws(FleetError) {
                try await body(host)
                return nil
            } catch {
                return error
            }
        }
        .compactMap(\.self)
    }
}
