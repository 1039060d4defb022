import ControlProtocol
import Settings
import Topology

extension Check {
    /// Milliseconds that a client needs to find the new leader, at the least: below it, no session can be kept.
    private static var shortestSession: Int { 2000 }

    /// What each broker asks for, as the destination's servers clamp it.
    package static func sessionTimeouts(_ subject: KafkaProcedure) -> Check {
        let surveyed = SurveyedPlan(plan: subject.plan, survey: subject.survey)
        let sessions = subject.brokers.map { ($0.name, surveyed.session(of: $0)) }
        let shortest = sessions.map(\.1).min() ?? 0
        let window = SurveyedPlan.expectedWindow
        let text =
            sessions.map { "\($0.0) \($0.1) ms" }.joined(separator: ", ")
            + "; expected window \(window.lowerBound) to \(window.upperBound) s, after it each broker has one such timeout "
            + "to come back"
        return Check(
            .sessionTimeouts,
            "every broker's session, as the destination's servers clamp it, outlasts the division",
            remedy:
                "Raise zookeeper.session.timeout.ms of the brokers, or tickTime or maxSessionTimeout of the servers",
            looking: Look()
        ) { _, _ in
            if shortest < shortestSession {
                return .never(reason: "\(text): less than \(shortestSession) ms cannot be kept")
            }
            if shortest < SurveyedPlan.defaultSession { return .warns(observed: "\(text): short") }
            return .holds(observed: text)
        }
    }
}

extension SurveyedPlan {
    /// Seconds that the division took clients in measured runs, quietest to busiest.
    static var expectedWindow: ClosedRange<Int> { 2...8 }

    /// Milliseconds of a session that outlasts a slow division, with a margin of 2 s.
    static var safeSession: Int { (expectedWindow.upperBound + 2) * 1000 }

    /// Kafka's default before 2.5, and 18 s since; which it is, a broker's file does not say.
    static var defaultSession: Int { 6000 }

    /// What a broker asks for, as the destination's servers clamp it; milliseconds.
    func session(of broker: PlannedBroker) -> Int {
        let asked = survey.kafka?.file(of: broker.host).flatMap { file -> Int? in
            do throws(KafkaFileError) { return try ServerProperties(file.content).sessionTimeout } catch {
                return nil
            }
        }
        let clamped = plan.destination.compactMap { server -> Int? in
            guard let file = survey.file(of: server.host) else { return nil }
            do throws(ZooConfigurationError) {
                let limits = try ZooConfiguration(file.content)
                return min(
                    max(asked ?? Self.defaultSession, limits.minSessionTimeout),
                    limits.maxSessionTimeout
                )
            } catch {
                return nil
            }
        }
        return clamped.min() ?? asked ?? Self.defaultSession
    }
}
