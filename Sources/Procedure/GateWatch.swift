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
        /// Good enough to go on, and to be said aloud.
        case warned(observed: String)
        case failed(reason: String)
    }

    func wait(for gate: Gate, facts: RunFacts) async -> Result {
        let deadline = timing.monotonic() + gate.deadline
        var same = 0
        var last: String?
        var told = ""
        while true {
            let verdict = gate.judge(await look(gate), facts)
            switch verdict {
            case .holds(let observed), .warns(let observed):
                same = observed == last ? same + 1 : 1
                last = observed
                if same >= gate.looks {
                    if case .warns = verdict { return .warned(observed: observed) }
                    return .holds(observed: observed)
                }
            case .never(let reason):
                return .failed(reason: reason)
            case .waiting(let reason):
                same = 0
                last = nil
                if timing.monotonic() >= deadline {
                    let text = "not within \(gate.deadline): \(gate.title); last seen: \(reason)"
                    return gate.isAdvisory ? .warned(observed: text) : .failed(reason: text)
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
                let text = "\(gate.title): it keeps changing, last seen: \(last ?? "nothing")"
                return gate.isAdvisory ? .warned(observed: text) : .failed(reason: text)
            }
            await timing.sleep(gate.interval ?? Self.pause)
        }
    }

    func look(_ gate: Gate) async -> FleetView {
        async let hosts = fleet.observe(gate.hosts)
        async let kafka = kafka(gate.kafka)
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
        let (cluster, silence) = await kafka
        return FleetView(hosts: await hosts, probes: probes, kafka: cluster, kafkaSilence: silence)
    }

    private func kafka(_ source: KafkaSource?) async -> (KafkaCluster?, String?) {
        guard let source else { return (nil, nil) }
        do throws(FleetError) {
            return (try await fleet.kafka(through: source.servers, chroot: source.chroot), nil)
        } catch {
            return (nil, "\(error)")
        }
    }
}
