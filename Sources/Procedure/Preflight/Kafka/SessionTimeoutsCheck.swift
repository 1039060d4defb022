import ControlProtocol
import Settings
import Topology

extension Check {
    /// Seconds that the division took clients in measured runs, quietest to busiest.
    private static var expectedWindow: ClosedRange<Int> { 2...8 }

    /// Milliseconds that a client needs to find the new leader, at the least: below it, no session can be kept.
    private static var shortestSession: Int { 2000 }

    /// Kafka's default before 2.5, and 18 s since.
    ///
    /// Which version a broker is, its file does not say.
    private static var defaultSession: Int { 6000 }

    /// What each broker asks for, as the destination's servers clamp it.
    package static func sessionTimeouts(_ subject: KafkaProcedure) -> Check {
        let sessions = subject.brokers.map { ($0.name, effectiveSession(of: $0, subject)) }
        let shortest = sessions.map(\.1).min() ?? 0
        let window = expectedWindow
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
            if shortest < defaultSession { return .warns(observed: "\(text): short") }
            return .holds(observed: text)
        }
    }

    private static func effectiveSession(of broker: PlannedBroker, _ subject: KafkaProcedure) -> Int {
        let asked = subject.survey.kafka?.file(of: broker.host).flatMap { file -> Int? in
            do throws(KafkaFileError) { return try ServerProperties(file.content).sessionTimeout } catch {
                return nil
            }
        }
        let clamped = subject.plan.destination.compactMap { server -> Int? in
            guard let file = subject.survey.file(of: server.host) else { return nil }
            do throws(ZooConfigurationError) {
                let limits = try ZooConfiguration(file.content)
                return min(
                    max(asked ?? defaultSession, limits.minSessionTimeout),
                    limits.maxSessionTimeout
                )
            } catch {
                return nil
            }
        }
        return clamped.min() ?? asked ?? defaultSession
    }
}
