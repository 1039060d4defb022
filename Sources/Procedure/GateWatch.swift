import ControlProtocol

/// Looks at the fleet until a gate holds, cannot hold, or its deadline passes.
struct GateWatch: Sendable {
    /// Pause between two looks; each look takes about as long again.
    static let pause = Duration.milliseconds(50)

    let fleet: any Fleet
    let timing: Timing
    let stopRequest: @Sendable () -> StopRequest
    let progress: @Sendable (String) -> Void

    enum Result: Hashable, Sendable {
        case holds(observed: String)
        case failed(reason: String)
    }

    func wait(for gate: Gate, facts: RunFacts) async -> Result {
        let deadline = timing.monotonic() + gate.deadline
        var same = 0
        var last: String?
        var told = ""
        while true {
            switch gate.judge(await look(gate), facts) {
            case .holds(let observed):
                same = observed == last ? same + 1 : 1
                last = observed
                if same >= gate.looks { return .holds(observed: observed) }
            case .never(let reason):
                return .failed(reason: reason)
            case .waiting(let reason):
                same = 0
                last = nil
                if timing.monotonic() >= deadline {
                    return .failed(reason: "not within \(gate.deadline): \(gate.title); last seen: \(reason)")
                }
                if reason != told {
                    told = reason
                    progress(reason)
                }
            }
            if stopRequest() == .now {
                return .failed(reason: "stopped at once, as asked; `mitosis run` looks again and goes on")
            }
            if timing.monotonic() >= deadline + gate.deadline {
                return .failed(reason: "\(gate.title): it keeps changing, last seen: \(last ?? "nothing")")
            }
            await timing.sleep(Self.pause)
        }
    }

    func look(_ gate: Gate) async -> FleetView {
        async let hosts = fleet.observe(gate.hosts)
        let probes = await withTaskGroup(of: (HostName, [ProbeResult]).self) { group in
            for (host, targets) in gate.probes where !targets.isEmpty {
                group.addTask {
                    do throws(FleetError) {
                        return (host, try await fleet.probe(targets, from: host))
                    } catch {
                        return (host, [])
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        return FleetView(hosts: await hosts, probes: probes)
    }
}
