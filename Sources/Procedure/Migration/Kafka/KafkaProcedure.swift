import ControlProtocol
import Fleet
package import Settings
import Topology

/// Kafka's part of the procedure, on one page: the stage that repoints, and what surrounds the division.
///
/// What is checked first stands in `Preflight/Kafka`, what each gate looks at in `BrokerGates` and `SessionGates`; what each step sends in
/// `BrokerActs`.
package struct KafkaProcedure: Sendable {
    package let plan: MigrationPlan
    package let kafka: PlannedKafka
    package let survey: Survey

    var brokers: [PlannedBroker] { kafka.brokers }

    /// Before the division any server of the joint ensemble can be asked, after it only the destination.
    var fromSource: KafkaSource { KafkaSource(servers: plan.source, chroot: kafka.chroot) }
    var fromJoint: KafkaSource { KafkaSource(servers: plan.source + plan.seeds, chroot: kafka.chroot) }
    var fromDestination: KafkaSource { KafkaSource(servers: plan.destination, chroot: kafka.chroot) }

    func repoint(then tests: [Step]) -> Stage {
        Stage(
            .repoint,
            "Repoint: the brokers move to the seeds",
            brokers.indices.map { index in
                Step(
                    StepID("repoint.broker-\(index + 1)"),
                    "Repoint and restart a broker, \(index + 1) of \(brokers.count), the controller last",
                    precheck: healthy(from: fromJoint),
                    act: repointNext(upTo: index + 1),
                    verify: repointed(atLeast: index + 1).and(healthy(from: fromJoint)),
                    undo: .none(
                        because: "`mitosis rollback` restores the file and restarts the broker once more"
                    )
                )
            } + [
                Step(
                    "repoint.all",
                    "Every broker's file and session are at the seeds",
                    verify: repointed(atLeast: brokers.count).and(healthy(from: fromJoint)),
                    undo: .nothingToUndo
                )
            ] + tests
        )
    }

    /// Trap 20: while the destination has no leader, a broker that dies stays leaderless.
    var readyToDivide: Step {
        Step(
            "division.kafka",
            "Kafka is whole right before the division",
            verify: repointed(atLeast: brokers.count).and(healthy(from: fromJoint)),
            undo: .nothingToUndo,
            repeats: .until(.divisionBegan)
        )
    }

    var sessionsAfterDivision: Step {
        Step(
            "division.sessions",
            "Every broker kept its session",
            verify: sessionsKept(deadline: plan.deadlines.division),
            undo: .nothingToUndo
        )
    }

    var sessionsAtTheEnd: Step {
        Step(
            "clean-up.kafka",
            "Kafka is whole on the destination",
            verify: sessionsKept(deadline: kafka.deadline),
            undo: .nothingToUndo
        )
    }

    var repointed: RepointedProperties { RepointedProperties(plan: plan) }
}
