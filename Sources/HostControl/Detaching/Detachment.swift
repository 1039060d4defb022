import ControlProtocol
import Logging
import Logs
import SystemCalls
import Topology

/// Detaches the host's server; docs/division.md has the states, what survives a crash in each, and the argument.
struct Detachment: Sendable {
    /// Between two looks at the disk.
    private static let pause = Duration.milliseconds(2)
    /// How long a log writer must be seen to have nothing to do, where only that is left as a proof.
    private static let rest = Duration.milliseconds(200)

    private let server: any DetachableServer
    private let firewall: any Firewall
    private let record: DetachRecord
    private let orders: Orders
    private let log: Logger
    private let progress: @Sendable (String) -> Void

    init(
        server: any DetachableServer,
        firewall: any Firewall,
        record: DetachRecord,
        orders: Orders,
        log: Logger = .silent,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.server = server
        self.firewall = firewall
        self.record = record
        self.orders = orders
        self.log = log
        self.progress = progress
    }

    func perform(_ request: DetachRequest, for run: RunID) async throws(DetachError) -> DetachReport {
        var phases = PhaseClock(log: log)
        guard let found = try await server.attached() else {
            return try await reportStopped(request, run, &phases)
        }
        let pid = found.pid
        guard request.pid == pid else { throw .otherProcess(expected: request.pid, found: pid) }
        let before = try await installed()
        // What an attempt before this one had proven of it: it may have served since.
        try record.forget()
        try await ordered { () async throws(OrderError) in
            try await orders.forgetUnended(isWalled: before.wall != nil)
        }
        var proof: DetachReport.Proof
        let closed: InstalledRules
        do throws(DetachError) {
            (proof, closed) = try await drain(found, request, run, before, &phases)
            try record.keep(DetachRecord.Entry(run: run, pid: pid, proof: proof))
            // The last that can fail while the server is as it was: from here on nobody but the coordinator may start it.
            try await hold(request, run, ending: found.identity)
        } catch {
            try await giveBack(before, because: error)
            // Ordered before its end was certain: it runs on.
            try await ordered { () async throws(OrderError) in
                try await orders.forgetUnended(isWalled: before.wall != nil)
            }
            throw error
        }
        // Before the wall: what the kernel tells the peers of the ended process must get out to them.
        let isConfirmed: ConfirmedEnd
        do throws(DetachError) {
            isConfirmed = try await server.end(pid)
        } catch {
            // Drained, and possibly half stopped: it must not come back to its ensemble as if nothing had been.
            _ = try await cutOff(request.wall, after: "the server is drained and may run")
            throw error
        }
        phases.note("stopped")
        var kept = Result<Void, DetachError>.success(())
        if case .held = proof, await !stillCloses(closed) {
            let doubt = DetachReport.Proof.unknown(
                reason: "somebody opened its client ports right before it was ended"
            )
            proof = doubt
            kept = await result { () async throws(DetachError) in
                try record.keep(DetachRecord.Entry(run: run, pid: pid, proof: doubt))
            }
        }
        // Each is carried through, whatever becomes of the others.
        async let confirmation = result(of: { () async throws(DetachError) in try await isConfirmed() })
        async let copied = result(of: { () async throws(DetachError) in try await server.copy(for: run) })
        let walled = await result(of: { () async throws(DetachError) in
            try await cutOff(request.wall, after: "the server is stopped")
        })
        phases.note("walled")
        let copy = await copied
        phases.note("copied")
        let confirmed = await confirmation
        phases.note("confirmed")
        let rules = try walled.get()
        try confirmed.get()
        try kept.get()
        return await report(request, pid, proof, rules, try copy.get(), phases)
    }

    private func result<Value: Sendable>(
        of body: @Sendable () async throws(DetachError) -> Value
    ) async -> Result<Value, DetachError> {
        do throws(DetachError) { return .success(try await body()) } catch { return .failure(error) }
    }

    private func drain(
        _ found: AttachedServer,
        _ request: DetachRequest,
        _ run: RunID,
        _ before: InstalledRules,
        _ phases: inout PhaseClock
    ) async throws(DetachError) -> (DetachReport.Proof, InstalledRules) {
        let closed = ClosedPorts(ports: Array(found.clientPorts), exception: found.question.localPort)
        let rules = try await close(closed, behind: before.wall)
        phases.note("closed")
        let deadline = ContinuousClock.now + .seconds(request.seconds)
        switch await found.question.ask() {
        case .unreachable(let reason): throw .silent(service: request.service, reason: reason)
        // Without a transaction in the present epoch the number stands for none.
        case .yes(let stats) where stats.zxid.counter > 0:
            phases.note("asked")
            // Still attached: a follower of 3.8.0 that loses its leader stops writing what it has in memory.
            try await untilDisk(holds: stats.zxid, request, until: deadline)
            phases.note("drained")
            guard await stillCloses(rules) else { throw .reopened(service: request.service) }
            return (.held(memory: stats.zxid), rules)
        case .looking, .yes:
            phases.note("asked")
            // No wall without an order: whoever dies now leaves one that ends it.
            try await hold(request, run, ending: found.identity)
            _ = try await install(request.wall)
            phases.note("walled")
            let proof = try await proofWhenCutOff(found.pid, request, until: deadline)
            phases.note("idle")
            return (proof, rules)
        }
    }

    private func untilDisk(
        holds memory: Zxid,
        _ request: DetachRequest,
        until deadline: ContinuousClock.Instant
    ) async throws(DetachError) {
        var told = false
        while true {
            let data = await server.data()
            // Its end alone says nothing where transactions before it were never written.
            guard data.missing.isEmpty else {
                throw .incomplete(service: request.service, missing: data.missing)
            }
            if let disk = data.lastZxid, disk >= memory { return }
            guard ContinuousClock.now < deadline else {
                throw .undrained(
                    service: request.service,
                    memory: memory,
                    disk: data.lastZxid,
                    seconds: request.seconds,
                    problems: data.problems
                )
            }
            if !told {
                progress(
                    "waiting for the disk to reach \(memory), it ends at \(data.lastZxid?.description ?? "nothing")"
                )
            }
            told = true
            await Self.sleep(Self.pause)
        }
    }

    /// What it had in memory is not known; what it still has to write is seen at the thread that writes it.
    private func proofWhenCutOff(
        _ pid: Int32,
        _ request: DetachRequest,
        until deadline: ContinuousClock.Instant
    ) async throws(DetachError) -> DetachReport.Proof {
        var first: LogWriter.Sample?
        while true {
            // An answer between two samples shows that the process as a whole is not held up.
            let serving = await server.serving()
            let sample = await server.logWriter(of: pid)
            var reason = "its log writer is at work"
            switch serving {
            case .yes:
                // It has not noticed yet that its leader is gone.
                first = nil
                reason = "it still serves"
            case .looking:
                guard let earlier = first, let sample else {
                    first = sample
                    break
                }
                switch sample.state(since: earlier) {
                case .gone:
                    // It ends with its work done, or (3.8.0, a follower) because it could not tell its leader of it.
                    return .unknown(
                        reason: "it had lost its leader, and the thread that writes its log had ended"
                    )
                case .parked where sample.takenAt - earlier.takenAt >= Self.rest: return .idle
                case .parked: break
                case .busy: first = sample
                case .unknown: reason = "what its log writer does cannot be seen"
                }
            case .unreachable(let why):
                first = nil
                reason = why
            }
            guard ContinuousClock.now < deadline else {
                throw .busy(service: request.service, reason: reason, seconds: request.seconds)
            }
            await Self.sleep(.milliseconds(20))
        }
    }

    /// Nothing runs: an earlier attempt of this run has drained it, or somebody else has stopped it.
    private func reportStopped(
        _ request: DetachRequest,
        _ run: RunID,
        _ phases: inout PhaseClock
    ) async throws(DetachError) -> DetachReport {
        try await hold(request, run, ending: nil)
        let rules = try await install(request.wall)
        phases.note("walled")
        let copy = try await server.copy(for: run)
        phases.note("copied")
        // Of another process than the one that was expected it says nothing.
        guard let known = try record.entry(of: run), request.pid ?? known.pid == known.pid else {
            let proof = DetachReport.Proof.unknown(reason: "it was found stopped")
            return await report(request, nil, proof, rules, copy, phases)
        }
        return await report(request, known.pid, known.proof, rules, copy, phases)
    }

    private func report(
        _ request: DetachRequest,
        _ pid: Int32?,
        _ proof: DetachReport.Proof,
        _ rules: InstalledRules,
        _ copy: String?,
        _ phases: PhaseClock
    ) async -> DetachReport {
        DetachReport(
            service: request.service,
            pid: pid,
            proof: proof,
            data: await server.data(),
            rules: rules,
            copy: copy,
            phases: phases.all
        )
    }

    /// To the rules that stood before; the server goes on as it did.
    private func giveBack(_ before: InstalledRules, because cause: DetachError) async throws(DetachError) {
        log.info("not detached; the rules go back to what they were", fields: ["reason": cause.description])
        do throws(FirewallError) {
            if let wall = before.wall {
                _ = try await firewall.install(wall)
            } else {
                _ = try await firewall.remove()
            }
        } catch {
            throw .notGivenBack(cause: cause.description, firewall: error)
        }
    }

    private func hold(_ request: DetachRequest, _ run: RunID, ending: ProcessIdentity?)
        async throws(DetachError)
    {
        try await ordered { () async throws(OrderError) in
            try await orders.keep(
                request.wall,
                for: run,
                holding: [request.service],
                ending: ending,
                lapsing: request.lapse
            )
        }
    }

    private func ordered(_ body: () async throws(OrderError) -> Void) async throws(DetachError) {
        do throws(OrderError) { try await body() } catch { throw .order(error) }
    }

    private func installed() async throws(DetachError) -> InstalledRules {
        do throws(FirewallError) { return try await firewall.installed() } catch { throw .firewall(error) }
    }

    private func install(_ wall: Wall) async throws(DetachError) -> InstalledRules {
        do throws(FirewallError) { return try await firewall.install(wall) } catch { throw .firewall(error) }
    }

    /// Not where the host has gone back meanwhile: its server runs, or is about to.
    private func cutOff(_ wall: Wall, after event: String) async throws(DetachError) -> InstalledRules {
        try await ordered { () async throws(OrderError) in try orders.checkWalls() }
        do throws(FirewallError) { return try await firewall.install(wall) } catch {
            throw .notWalled(after: event, firewall: error)
        }
    }

    private func close(
        _ ports: ClosedPorts,
        behind wall: Wall?
    ) async throws(DetachError) -> InstalledRules {
        do throws(FirewallError) { return try await firewall.close(ports, behind: wall) } catch {
            throw .firewall(error)
        }
    }

    /// What cannot be seen did not hold.
    private func stillCloses(_ rules: InstalledRules) async -> Bool {
        do throws(FirewallError) { return try await firewall.stillCloses(rules) } catch { return false }
    }

    private static func sleep(_ duration: Duration) async {
        do { try await Task.sleep(for: duration) } catch { return }
    }
}

/// When each part of the work was over.
private struct PhaseClock {
    private let begin = ContinuousClock.now
    private(set) var all: [DetachReport.Phase] = []
    private let log: Logger

    init(log: Logger) { self.log = log }

    mutating func note(_ name: String) {
        let elapsed = begin.duration(to: .now).milliseconds
        all.append(DetachReport.Phase(name: name, milliseconds: elapsed))
        log.info("detaching", fields: ["phase": name, "ms": String(elapsed)])
    }
}
