import ControlProtocol
import Fleet
import Settings
import SystemCalls
import Topology

/// The window, predicted before the division and compared with what was seen after it.
extension MigrationProcedure {
    /// Every run that goes on predicts it anew until the division begins.
    var windowPredicted: Step {
        Step(
            .predictWindow,
            "Predict the division's window",
            verify: sessionsOutlast(plan.sessionsQuestion),
            undo: .nothingToUndo,
            repeats: .until(.divisionBegan),
            expiry: .divisionBegan,
            seeing: noteWindow(plan.sessionsQuestion)
        )
    }

    /// - Parameter question: which shows who is connected.
    func sessionsOutlast(_ question: CensusQuestion) -> Gate {
        Gate(
            "every session outlasts the expected window and a third of it",
            looking: Look(hosts: source.map(\.host), census: question),
            deadline: plan.deadlines.restart,
            interval: ClientsProcedure.interval
        ) { [plan] fleet, facts in
            if let silent = source.lazy.compactMap({ fleet.silence($0.host) }).first {
                return .waiting(reason: silent)
            }
            let prediction = prediction(fleet, facts, fleet.census[question])
            guard let objection = prediction.objection else {
                return .holds(observed: prediction.sentence)
            }
            let said = "\(prediction.sentence). \(objection)"
            return plan.isWaived(.sessionTimeouts)
                ? .warns(observed: said)
                : .never(reason: said + ". `session-timeouts` can be waived in a plan of a new name")
        }
    }

    /// As it is expected when the same look is judged.
    func noteWindow(_ question: CensusQuestion) -> @Sendable (FleetView, inout RunFacts) -> Void {
        { fleet, facts in facts.window = prediction(fleet, facts, fleet.census[question]) }
    }

    var windowCompared: Step {
        Step(
            "proof.window",
            "Compare the window with what was expected",
            verify: Gate("predicted and seen", looking: Look(), deadline: .zero) { _, facts in
                let seen = facts.windowSeen.map {
                    "\($0) ms from the detaching of the first node until a leader served"
                }
                return .holds(
                    observed:
                        "predicted \(facts.window.map { "\($0.window) ms" } ?? "nothing"), seen \(seen ?? "by nobody")"
                )
            },
            undo: .nothingToUndo
        )
    }

    /// - Parameter sighting: who is connected; nil where nobody but brokers can be judged, by their files.
    func prediction(
        _ fleet: FleetView,
        _ facts: RunFacts,
        _ sighting: CensusSighting?
    ) -> WindowPrediction {
        let seen = sighting.map { SeenSessions(SurveyedPlan(plan: plan, survey: survey), $0) }
        return WindowPrediction(
            starts: seeds.compactMap { facts.starts[$0.host.description]?.milliseconds },
            bytes: source.compactMap { fleet.zookeeper($0.host)?.dataSize }.max() ?? 0,
            limit: plan.destination.compactMap { survey.startLimit(of: $0) }.min(),
            // What a server tells of a broker that is at the destination counts for more than its file.
            sessions: (kafka?.sessions ?? [:]).merging(seen?.timeouts ?? [:]) { _, told in told },
            more: seen?.more ?? 0,
            untold: seen?.untold ?? []
        )
    }

    /// The process that a start or a restart has begun.
    var noteStarted: @Sendable (HostName, CommandResult, inout RunFacts) -> Void {
        { host, result, facts in
            guard case .service(let report) = result, let pid = report.newPID, pid != report.oldPID else {
                return
            }
            facts.starts[host.description] = RunFacts.Start(pid: pid, milliseconds: nil)
        }
    }

    /// When it serves, by its host's own clock; a start that was not watched to its end tells nothing.
    var noteServing: @Sendable (FleetView, inout RunFacts) -> Void {
        { fleet, facts in
            for seed in seeds {
                guard let begun = facts.starts[seed.host.description], begun.milliseconds == nil,
                    let status = fleet.status(seed.host), let zookeeper = status.zookeeper,
                    zookeeper.stats != nil,
                    zookeeper.pid == begun.pid,
                    let started = zookeeper.processStartedAt
                else { continue }
                let took = Int(clamping: status.clock.minus(saturating: started))
                guard (0...plan.deadlines.join.milliseconds).contains(took) else { continue }
                facts.starts[seed.host.description] = RunFacts.Start(pid: begun.pid, milliseconds: took)
            }
        }
    }

    /// The destination's first leader ends the window.
    var noteLeader: @Sendable (FleetView, inout RunFacts) -> Void {
        { fleet, facts in
            guard facts.windowClosedAt == nil,
                destination.contains(where: { server in
                    fleet.stats(server.host)?.role == .leader
                        && Self.runs(destinationView, fleet.zookeeper(server.host))
                })
            else { return }
            facts.windowClosedAt = fleet.lookedAt?.upperBound
        }
    }
}

extension Survey {
    /// `initLimit` ticks in milliseconds; nil for a file that does not say.
    fileprivate func startLimit(of server: PlannedServer) -> Int? {
        guard let file = file(of: server.host) else { return nil }
        do throws(ZooConfigurationError) {
            let configuration = try ZooConfiguration(file.content)
            return configuration.initLimit.map { $0.times(saturating: configuration.tickTime) }
        } catch {
            // The preflight has refused this file.
            return nil
        }
    }
}
