import ControlProtocol
import Fleet
import Procedure
import Settings
import TestSupport
import Topology

/// One migration of the model from beginning to end, with whatever goes wrong on the way, all of it chosen by one number.
///
/// Coordinators die at a write of their journal, commands are lost, answered in vain or carried out late, agents fall silent,
/// servers and hosts die; then an operator mends what a stop has named and goes on, forward or back.
struct SimulatedHistory {
    /// What happens to the hosts right before a look at them.
    enum Mishap: CaseIterable {
        case sourceServerKilled
        case sourceHostRebooted
        case seedKilled
        case seedHostRebooted
        case seedFallsBehind
        /// It answers nobody for a while: stopped by a debugger, swapped out, cut off.
        case sourceServerPaused
        case seedPaused
        case agentSilent
    }

    struct Counts: CustomStringConvertible {
        var histories = 0
        var coordinators = 0
        var deaths = 0
        var rollbacks = 0
        /// Runs that were taken back to the beginning.
        var withdrawals = 0
        var mishaps = 0
        /// Hosts that went back by themselves.
        var lapses = 0
        var commands = 0
        var looks = 0

        static func += (counts: inout Counts, other: Counts) {
            counts.histories += other.histories
            counts.coordinators += other.coordinators
            counts.deaths += other.deaths
            counts.rollbacks += other.rollbacks
            counts.withdrawals += other.withdrawals
            counts.mishaps += other.mishaps
            counts.lapses += other.lapses
            counts.commands += other.commands
            counts.looks += other.looks
        }

        var description: String {
            "\(histories) histories, \(coordinators) coordinators of which \(deaths) died, \(rollbacks) that went back, "
                + "\(withdrawals) runs taken back as a whole, \(lapses) hosts that went back by themselves, "
                + "\(commands) commands of which \(mishaps) mishaps befell some, \(looks) looks"
        }
    }

    private static let sizes = [(3, 3), (3, 3), (3, 5), (5, 3), (5, 5)]
    /// After so many coordinators something is wrong for good.
    private static let most = 15

    let plan: MigrationPlan
    let fleet: ModelFleet
    private var journal = MemoryJournal()
    private var random: SplitMix64
    private var epoch: UInt64 = 0
    private(set) var counts = Counts()
    /// What was done to it, for who has to understand it.
    private(set) var tale: [String] = []

    init(seed: UInt64) throws {
        random = SplitMix64(seed: seed)
        let (source, destination) = Self.sizes.randomElement(using: &random) ?? (3, 3)
        plan = try Fixture.plan(
            source: source,
            destination: destination,
            strategy: Bool.random(using: &random) ? .participants : .observers,
            kafka: Bool.random(using: &random) ? Fixture.kafka : "",
            // Most of a history's looks are for what never comes.
            waivers: "deadlines: {join_seconds: 10, restart_seconds: 10, division_seconds: 10}"
        )
        var faults: [Int: ModelFleet.Fault] = [:]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let fault: ModelFleet.Fault =
                switch Int.random(in: 0..<3, using: &random) {
                case 0: .unreachable
                case 1: .replyLost
                default: .late(looks: Int.random(in: 1...20, using: &random))
                }
            faults[Int.random(in: 1...60, using: &random)] = fault
        }
        fleet = ModelFleet(plan: plan, faults: faults)
        tale.append(
            "\(source)+\(destination) \(plan.strategy.rawValue)\(plan.kafka == nil ? "" : " with Kafka"), commands \(faults)"
        )
        counts.histories = 1
        counts.mishaps = faults.count
        for _ in 0..<Int.random(in: 0...3, using: &random) { befall() }
    }

    /// Plans a mishap at a look that is still to come.
    private mutating func befall() {
        let mishap = Mishap.allCases.randomElement(using: &random) ?? .agentSilent
        let look = fleet.looks + Int.random(in: 1...150, using: &random)
        let source = plan.source.randomElement(using: &random)?.host
        let seed = plan.seeds.randomElement(using: &random)?.host
        guard let source, let seed else { return }
        let either = Bool.random(using: &random) ? source : seed
        let host =
            switch mishap {
            case .sourceServerKilled, .sourceHostRebooted, .sourceServerPaused: source
            case .seedKilled, .seedHostRebooted, .seedFallsBehind, .seedPaused: seed
            case .agentSilent: either
            }
        counts.mishaps += 1
        tale.append("look \(look): \(mishap) on \(host)")
        fleet.atLook(look) { model in
            switch mishap {
            case .sourceServerKilled, .seedKilled: model.stop(host)
            case .sourceHostRebooted, .seedHostRebooted:
                model.stop(host)
                model.hosts[host]?.wall = nil
                model.rebooted.insert(host)
                model.elect()
                // Its unit is enabled on the source; the division's manual says to disable it on the destination.
                if mishap == .sourceHostRebooted { model.start(host) }
            case .seedFallsBehind: model.hosts[host]?.isBehind = true
            case .sourceServerPaused, .seedPaused: model.hosts[host]?.isStalled = true
            case .agentSilent: model.make(host.description) { $0.isSilent = true }
            }
        }
        guard [.agentSilent, .sourceServerPaused, .seedPaused].contains(mishap) else { return }
        fleet.atLook(look + Int.random(in: 1...30, using: &random)) { model in
            switch mishap {
            case .agentSilent: model.make(host.description) { $0.isSilent = false }
            default: model.hosts[host]?.isStalled = false
            }
        }
    }

    /// - Returns: what is wrong at the end; nothing when all is as it must be.
    mutating func play() async throws -> [String] {
        try await begin()
        var last = ""
        while counts.coordinators < Self.most {
            let course = course(from: try standing())
            switch try await coordinate(course) {
            case .finished:
                switch course {
                case .forward:
                    // What died after it was looked at for the last time.
                    mend(.apart)
                    return problems()
                case .back(.joint): tale.append("joint again")
                case .back(.untouched):
                    counts.withdrawals += 1
                    tale.append("taken back")
                    let found = remnants()
                    guard found.isEmpty else { return found }
                    try await begin()
                }
            case .rested: break
            case .stopped(let reason, let standing):
                last = "\(standing): \(reason)"
                tale.append("stopped, \(last)")
                mend(standing)
            case nil:
                tale.append("died")
                // Somebody looks after the hosts also when the coordinator cannot say what is wrong.
                mend(try standing())
            }
            if Bool.random(using: &random) { stayAway() }
            if !fleet.model.violations.isEmpty { return problems() }
        }
        return ["not finished by \(counts.coordinators) coordinators: \(last)"] + problems()
    }

    /// For so long that hosts take back what was not committed: some of them, or all.
    private mutating func stayAway() {
        let all = Bool.random(using: &random)
        for server in plan.destination where fleet.model.hosts[server.host]?.order?.phase == .provisional {
            guard all || Bool.random(using: &random) else { continue }
            counts.lapses += 1
            tale.append("\(server.host) goes back by itself")
            fleet.change { $0.lapse(server.host) }
        }
    }

    private mutating func begin() async throws {
        journal = MemoryJournal()
        try journal.begin(try await Fixture.record(plan, fleet, id: "\(counts.withdrawals + 1)-model"))
    }

    private func standing() throws -> Standing {
        guard let record = journal.record else { return .untouched }
        return RunHistory(try journal.entries(of: record.id)).standing
    }

    /// What the operator says next; what must come to its end first leaves no choice.
    private mutating func course(from standing: Standing) -> Runner.Course {
        let die = Int.random(in: 0..<4, using: &random)
        return switch standing {
        case .untouched, .divided, .apart: .forward
        case .joining, .joint: die == 0 && counts.withdrawals < 3 ? .back(to: .untouched) : .forward
        case .dividing: die == 0 ? .back(to: .joint) : die == 1 ? .back(to: .untouched) : .forward
        case .rollingBack: die < 2 ? .back(to: .joint) : .back(to: .untouched)
        case .withdrawing: .back(to: .untouched)
        }
    }

    /// One coordinator's life; nil when it died.
    private mutating func coordinate(_ course: Runner.Course) async throws -> Runner.Outcome? {
        counts.coordinators += 1
        if course != .forward { counts.rollbacks += 1 }
        epoch += 1
        let (sent, looks) = (fleet.sent, fleet.looks)
        let before = fleet.model.performed.count
        defer {
            let performed = fleet.model.performed.dropFirst(before).map(Self.summary)
            tale.append("  performed: \(performed.joined(separator: ", "))")
            counts.commands += fleet.sent - sent
            counts.looks += fleet.looks - looks
        }
        guard var record = journal.record else { return nil }
        record.epoch = FencingEpoch(epoch)
        let lease = Lease(runID: record.id, epoch: record.epoch)
        for agent in plan.agents {
            let held = LeaseState(highestEpoch: lease.epoch, current: lease, holder: "test", expiresAt: nil)
            fleet.change { $0.grant(held, on: agent.host) }
        }
        tale.append("coordinator \(counts.coordinators), \(course), \(chooseItsEnd(record))")
        defer {
            journal.fail(at: nil)
            journal.die(after: nil)
        }
        do {
            return try await Fixture.perform(plan, record, fleet, journal, course: course)
        } catch is JournalError {
            counts.deaths += 1
            return nil
        }
    }

    /// At a write of its journal, or after a step; often in the division, which is short.
    private mutating func chooseItsEnd(_ record: RunRecord) -> String {
        guard counts.coordinators < 7 else { return "to its end" }
        switch Int.random(in: 0..<5, using: &random) {
        case 0, 1:
            let write = Int.random(in: 1...120, using: &random)
            journal.fail(at: write)
            return "dies at write \(write)"
        case 2:
            let steps = MigrationProcedure(plan: plan, survey: record.survey).stages
                .filter { $0.name == .division }.flatMap(\.steps).map(\.id)
            let step = steps.randomElement(using: &random)
            journal.die(after: step)
            return "dies after \(step.map(\.description) ?? "nothing")"
        default: return "to its end"
        }
    }

    /// What an operator does whom a stop has told of it: agents answer again, nodes keep up, servers that should run are started.
    ///
    /// While the ensemble is being divided, the run alone says which of the destination's may start; while the source is rolled, which of
    /// the seeds.
    private func mend(_ standing: Standing) {
        fleet.change { [plan] model in
            for host in model.hosts.keys {
                model.make(host.description) { $0.isSilent = false }
                model.hosts[host]?.isBehind = false
                model.hosts[host]?.isStalled = false
            }
            for server in plan.source { model.start(server.host) }
            for server in plan.destination where (model.hosts[server.host]?.starts ?? 0) > 0 {
                let isOwn = model.hosts[server.host].map { $0.file == $0.original } ?? true
                switch standing {
                case .untouched, .dividing, .rollingBack, .withdrawing: break
                case .joining:
                    let isHeldBack =
                        plan.strategy == .participants
                        && !plan.firstSeeds.contains { $0.host == server.host }
                    if !isOwn, !isHeldBack { model.start(server.host) }
                case .joint: if !isOwn { model.start(server.host) }
                case .divided, .apart: model.start(server.host)
                }
            }
            model.elect()
        }
    }

    private static func summary(_ item: HostCommand) -> String {
        switch item.command {
        case .service(let request): "\(item.host) \(request.action.rawValue)"
        default: "\(item.host) \("\(item.command)".prefix { $0 != "(" })"
        }
    }

    private func problems() -> [String] {
        let model = fleet.model
        var found = model.violations
        for server in plan.source + plan.destination {
            let host = model.hosts[server.host]
            let view = model.isSource(server.host) ? plan.sourceMembers : plan.destinationMembers
            if host?.view.map(Set.init) != Set(view) {
                found.append("\(server.host) does not run its own view")
            }
            if host?.file != host?.original {
                found.append("I7: \(server.host): its file is not the one of before")
            }
            if host?.wall != nil { found.append("I5: \(server.host) has a wall") }
            if host?.order != nil { found.append("I5: \(server.host) has an order") }
            if !model.serves(server.host) { found.append("\(server.host) does not serve") }
        }
        return found
    }

    /// What a run that was taken back has left.
    private func remnants() -> [String] {
        let model = fleet.model
        var found = model.violations
        for server in plan.source + plan.destination {
            let host = model.hosts[server.host]
            if host?.file != host?.original {
                found.append("I7: \(server.host): its file is not the one of before")
            }
            if host?.wall != nil { found.append("I5: \(server.host) has a wall") }
            if host?.order != nil { found.append("I5: \(server.host) has an order") }
            if model.isSource(server.host) {
                if host?.view.map(Set.init) != Set(plan.sourceMembers) || !model.serves(server.host) {
                    found.append("\(server.host) does not serve with the source's view")
                }
            } else if host?.pid != nil || host?.disk != nil {
                found.append("\(server.host) runs, or has data")
            }
        }
        for broker in model.brokers.brokers.values where broker.file != broker.original {
            found.append("I7: \(broker.planned.name): its file is not the one of before")
        }
        let newest = plan.source.compactMap { model.hosts[$0.host]?.memory }.max()
        if let acknowledged = model.acknowledged, newest.map({ $0 < acknowledged }) ?? true {
            found.append("I2: the source ends before \(acknowledged), which was acknowledged")
        }
        return found
    }
}
