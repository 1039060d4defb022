import ControlProtocol
import HostControl
import Logging
import SystemCalls

/// `mitosis-agent --lapse-watch`: takes this host's order back when it is due and no agent runs that would.
///
/// It needs no configuration: the order says all. systemd starts it while `orders/lapses` exists.
struct LapseWatch: Sendable {
    /// How much longer an agent that runs has for it: one that hangs must not keep the host walled off.
    private static let courtesy: Int64 = 15_000

    let state: String
    let log: Logger

    /// Until nothing is left to lapse.
    func run() async {
        while true {
            let pause: Int64
            switch await look() {
            case .nothing, .undone: return
            case .waits(let milliseconds): pause = min(max(milliseconds, 100), 1000)
            case .stuck: pause = 5000
            }
            do { try await Task.sleep(for: .milliseconds(pause)) } catch { return }
        }
    }

    private func look() async -> Lapsing.Outlook {
        let store = OrderStore(stateDirectory: state)
        guard case .order(let order) = store.read(), order.isWatched, let lapse = order.lapse else {
            // Sees to it, under the lock, that nothing is left of it.
            return await lapsing.step()
        }
        let left = store.clock.left(of: lapse.seconds)
        guard left <= 0 else { return .waits(left) }
        // What commands of agent.yaml start, only the agent can.
        guard order.held.allSatisfy({ $0.unit != nil }) else { return .waits(1000) }
        // Held for as long as it takes: no agent starts in the middle.
        let directory: StateDirectory?
        do throws(AgentServerError) { directory = try StateDirectory(path: state) } catch { directory = nil }
        defer { directory?.release() }
        guard directory != nil || left <= -Self.courtesy else { return .waits(1000) }
        return await lapsing.step()
    }

    private var lapsing: Lapsing {
        Lapsing(
            stateDirectory: state,
            log: log,
            means: { [state, log] order in
                Lapsing.Means(
                    firewall: Firewalls.make(
                        backend: order.backend,
                        protectedPorts: order.protectedPorts,
                        log: log
                    ),
                    files: ConfigFiles(
                        allowed: order.lapse?.allowed ?? [],
                        backups: state + "/backups",
                        log: log
                    ),
                    services: ServiceController(
                        supervisor: SystemdSupervisor(allowed: order.lapse?.starting ?? []),
                        log: log
                    )
                )
            },
            report: { [state, log] in await OwnAudit("--lapse-watch", state: state, log: log).note($0) }
        )
    }
}
