package import ControlProtocol
import HostControl

/// Walls and the order that goes with them: docs/division.md has what a crash leaves in between.
extension LocalHost {
    func install(
        _ wall: Wall,
        holding services: [String],
        _ lapse: LapseRequest?,
        for run: RunID
    ) async -> CommandOutcome {
        do throws(FirewallError) {
            // What would be refused is not ordered.
            _ = try firewall.preview(wall)
        } catch .refused(let refusal) {
            return .refused(refusal: refusal)
        } catch {
            return .failed(message: error.description)
        }
        do throws(OrderError) {
            try await orders.keep(wall, for: run, holding: services, lapsing: lapse)
        } catch {
            return .failed(message: error.description)
        }
        return await rules { () throws(FirewallError) in try await firewall.install(wall) }
    }

    func removeWall() async -> CommandOutcome {
        do throws(FirewallError) {
            let (rules, problem) = try await orders.end { () async throws(FirewallError) in
                try await firewall.remove()
            }
            guard let problem else { return .done(result: .rules(rules: rules)) }
            return .failed(
                message:
                    "the rules are gone, but the next start of this host or its agent would bring them back: \(problem)"
            )
        } catch .refused(let refusal) {
            return .refused(refusal: refusal)
        } catch {
            return .failed(message: error.description)
        }
    }

    func pilot(_ wall: Wall) async -> CommandOutcome {
        let managers = await managers.found()
        do throws(FirewallError) {
            let report = try await firewall.pilot(wall)
            let interfering = managers.map { manager in
                "\(manager.name)" + (manager.pid.map { " (pid \($0))" } ?? "")
                    + " changes or flushes rules on this host on its own"
            }
            return .done(
                result: .piloted(
                    report: PilotReport(
                        backend: report.backend,
                        rules: report.rules,
                        upMilliseconds: report.upMilliseconds,
                        downMilliseconds: report.downMilliseconds,
                        interference: report.interference + interfering
                    )
                )
            )
        } catch .refused(let refusal) {
            return .refused(refusal: refusal)
        } catch {
            return .failed(message: error.description)
        }
    }

    package func order() async -> OrderState? { orders.state }

    package func openPorts() async throws(HostActionError) -> InstalledRules? {
        do throws(DetachError) { try detacher?.forgetIfAlive() } catch {
            throw .failed(message: error.description)
        }
        do throws(FirewallError) {
            return try await firewall.openPorts()
        } catch {
            throw .failed(message: error.description)
        }
    }

    package func reinstateOrder() async throws(HostActionError) -> OrderState? {
        let isWalled = try await installedRules().wall != nil
        do throws(OrderError) {
            try await orders.forgetUnended(isWalled: isWalled)
            return try await orders.reinstate(with: firewall) == nil ? nil : orders.state
        } catch {
            throw .failed(message: error.description)
        }
    }
}
