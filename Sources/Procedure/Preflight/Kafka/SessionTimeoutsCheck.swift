import ControlProtocol
import Settings
import Topology

extension Check {
    /// Milliseconds that a client needs to find the new leader, at the least: below it, no session can be kept.
    private static var shortestSession: Int { 2000 }

    /// What each broker asks for, and each client of the plan was granted, as the destination's servers clamp it.
    package static func sessionTimeouts(_ subject: SurveyedPlan) -> Check {
        let plan = subject.plan
        let procedure = MigrationProcedure(plan: plan, survey: subject.survey)
        // Of brokers their files tell.
        let question = plan.clients.all.isEmpty ? nil : plan.sessionsQuestion
        return Check(
            .sessionTimeouts,
            "every session of a broker or client, as the destination's servers clamp it, outlasts the division",
            remedy:
                "Raise zookeeper.session.timeout.ms of the brokers, the session timeout of the clients, or tickTime or "
                + "maxSessionTimeout of the servers",
            looking: Look(hosts: plan.source.map(\.host), census: question),
            interval: question == nil ? nil : ClientsProcedure.interval
        ) { fleet, facts in
            // The destination has not started yet: what a start takes is guessed, and seen at the join.
            let prediction = procedure.prediction(fleet, facts, question.flatMap { fleet.census[$0] })
            let text = prediction.sentence + "; after it each has one such timeout to come back"
            guard let shortest = prediction.sessions.values.min() else {
                return prediction.objection.map { .warns(observed: "\(text): \($0)") }
                    ?? .holds(observed: text)
            }
            if shortest < shortestSession {
                return .never(reason: "\(text): less than \(shortestSession) ms cannot be kept")
            }
            if shortest < prediction.window * 2 / 3 {
                return .never(reason: "\(text): \(prediction.objection ?? "too short")")
            }
            if let objection = prediction.objection { return .warns(observed: "\(text): \(objection)") }
            if shortest < SurveyedPlan.defaultSession { return .warns(observed: "\(text): short") }
            return .holds(observed: text)
        }
    }
}

extension KafkaProcedure {
    /// By broker: its session's timeout, as the destination's servers clamp it.
    var sessions: [String: Int] {
        let surveyed = SurveyedPlan(plan: plan, survey: survey)
        return Dictionary(brokers.map { ($0.name, surveyed.session(of: $0)) }) { first, _ in first }
    }
}

extension SurveyedPlan {
    /// Milliseconds of a session that outlasts the slowest division that was measured, of 8 s, with a margin of 2 s.
    static var safeSession: Int { 10_000 }

    /// Kafka's default before 2.5, and 18 s since; which it is, a broker's file does not say.
    static var defaultSession: Int { 6000 }

    /// What a broker asks for, as the destination's servers clamp it; milliseconds.
    func session(of broker: PlannedBroker) -> Int {
        let asked = survey.kafka?.file(of: broker.host).flatMap { file -> Int? in
            do throws(KafkaFileError) { return try ServerProperties(file.content).sessionTimeout } catch {
                return nil
            }
        }
        return clamped(asked ?? Self.defaultSession)
    }

    /// What the destination's servers make of it; milliseconds.
    func clamped(_ asked: Int) -> Int {
        let granted = plan.destination.compactMap { configuration(of: $0) }
            .map { min(max(asked, $0.minSessionTimeout), $0.maxSessionTimeout) }
        return granted.min() ?? asked
    }
}
