package import FoundationEssentials
internal import Synchronization
internal import SystemCalls

/// A context that follows its files: certificate, key, authority and revocation list may be replaced at any
/// time.
///
/// The files' stamps are compared at each new connection. Certificate and key are one part, authority and lists another: each is
/// judged by itself, so that a revocation takes effect whatever is wrong with this side's own key. A part that cannot be used
/// is reported once and leaves the last good one in force.
package final class ReloadingTLSContext: Sendable {
    private struct InForce {
        var context: TLSContext
        var failures: [CredentialFailure] = []
    }

    private struct Half<Files: Sendable>: Sendable {
        /// In force.
        var files: Files
        /// Of the last attempt, good or bad.
        var stamps: [FileStamp?]
        var failure: CredentialFailure?
        var triedAt: Date
    }

    private struct State: Sendable {
        var own: Half<OwnPairFiles>
        var trust: Half<TrustFiles>
        var unkept: CredentialFailure?
        var notedAt: Date
        var saidOverdue: Date?
    }

    /// A bad set of files is tried again when it changes, and after so many seconds: what was wrong may lie elsewhere, with
    /// the clock or with a folder.
    private static let patience: TimeInterval = 10
    /// How often it is said that a list has ended.
    private static let reminder: TimeInterval = 86_400

    private let files: TLSFiles
    private let rules: CredentialRules
    private let seen: SeenRevocationLists
    private let now: @Sendable () -> Date
    private let report: @Sendable (CredentialEvent) -> Void
    private let inForce: Mutex<InForce>
    /// Held while the files are read.
    private let state: Mutex<State>

    /// Throws what is wrong with either part.
    ///
    /// `report` hears of every later reload, successful or not, on a thread of its own; of a list that has ended at once.
    package init(
        files: TLSFiles,
        rules: CredentialRules,
        seen: SeenRevocationLists,
        now: @escaping @Sendable () -> Date = { Date() },
        report: @escaping @Sendable (CredentialEvent) -> Void
    ) throws(TLSError) {
        let moment = now()
        let own = try rules.ownPair(files, at: moment)
        let trust = try rules.trust(files, seen, at: moment)
        let context = try TLSContext(own: own, trust: trust, trustDomain: rules.trustDomain)
        self.files = files
        self.rules = rules
        self.seen = seen
        self.now = now
        self.report = report
        inForce = Mutex(InForce(context: context))
        state = Mutex(
            State(
                own: Half(files: own, stamps: own.stamps, triedAt: moment),
                trust: Half(files: trust, stamps: trust.stamps, triedAt: moment),
                notedAt: moment
            )
        )
        for event in state.withLock({ remember(context, &$0, moment) + remind(context, &$0, moment) }) {
            report(event)
        }
    }

    /// The context in force, without a look at the files.
    package var latest: TLSContext { inForce.withLock { $0.context } }

    /// What of the files is not what is in force, as of the last look.
    package var failures: [CredentialFailure] { inForce.withLock { $0.failures } }

    /// The context for the next connection.
    ///
    /// The files are looked at on a thread of its own: a disk that hangs holds up this connection, and neither an event
    /// loop nor the tasks' threads. So many looks at a time at most: who comes while a disk hangs, or in a flood, gets what is
    /// in force.
    package func current() async -> TLSContext {
        defer { looks.subtract(1, ordering: .relaxed) }
        guard looks.add(1, ordering: .relaxed).oldValue < Self.mostLooks else { return latest }
        return await BlockingThread.run { self.reload() }
    }

    private static let mostLooks = 16
    private let looks = Atomic<Int>(0)

    private func reload() -> TLSContext {
        let events = state.withLock { look(&$0) }
        for event in events { report(event) }
        return latest
    }

    private func look(_ state: inout State) -> [CredentialEvent] {
        let moment = now()
        let (rules, files, seen) = (rules, files, seen)
        var events: [CredentialEvent] = []
        let own = Self.attempt(&state.own, .certificate, files.ownStamps(), moment, &events) {
            () throws(TLSError) in try rules.ownPair(files, at: moment)
        }
        let trust = Self.attempt(&state.trust, .trust, files.trustStamps(), moment, &events) {
            () throws(TLSError) in try rules.trust(files, seen, at: moment)
        }
        if own != nil || trust != nil {
            put(own, trust, in: &state, moment, &events)
        } else if state.unkept != nil, Self.isDue(state.notedAt, moment) {
            events += remember(latest, &state, moment)
        }
        events += remind(latest, &state, moment)
        let failures = [state.own.failure, state.trust.failure, state.unkept].compactMap(\.self)
        inForce.withLock { $0.failures = failures }
        return events
    }

    /// Reads a part when its files have changed, or were bad for a while; nil when there is nothing new to put in force.
    private static func attempt<Files>(
        _ half: inout Half<Files>,
        _ part: CredentialPart,
        _ found: [FileStamp?],
        _ moment: Date,
        _ events: inout [CredentialEvent],
        _ read: () throws(TLSError) -> Files
    ) -> Files? {
        guard found != half.stamps || half.failure != nil && isDue(half.triedAt, moment) else { return nil }
        half.stamps = found
        half.triedAt = moment
        do throws(TLSError) {
            return try read()
        } catch {
            fail(&half.failure, part, error, moment, &events)
            return nil
        }
    }

    /// What was read and found good comes into force, the two parts together or one beside the other's earlier one.
    private func put(
        _ own: OwnPairFiles?,
        _ trust: TrustFiles?,
        in state: inout State,
        _ moment: Date,
        _ events: inout [CredentialEvent]
    ) {
        let fresh: TLSContext
        do throws(TLSError) {
            fresh = try TLSContext(
                own: own ?? state.own.files,
                trust: trust ?? state.trust.files,
                trustDomain: rules.trustDomain
            )
        } catch {
            if own != nil { Self.fail(&state.own.failure, .certificate, error, moment, &events) }
            if trust != nil { Self.fail(&state.trust.failure, .trust, error, moment, &events) }
            return
        }
        inForce.withLock { $0.context = fresh }
        if let own {
            state.own = Half(files: own, stamps: own.stamps, triedAt: moment)
            events.append(.certificateReplaced(fresh.certificate))
        }
        if let trust {
            state.trust = Half(files: trust, stamps: trust.stamps, triedAt: moment)
            state.saidOverdue = nil
            events.append(.trustReplaced(lists: fresh.revocationLists))
            events += remember(fresh, &state, moment)
        }
    }

    /// A list is in force whether its number can be kept or not.
    private func remember(_ context: TLSContext, _ state: inout State, _ moment: Date) -> [CredentialEvent] {
        var events: [CredentialEvent] = []
        state.notedAt = moment
        do throws(TLSError) {
            try seen.note(context.revocationLists)
            state.unkept = nil
        } catch {
            Self.fail(&state.unkept, .record, error, moment, &events)
        }
        let unkept = state.unkept
        inForce.withLock { inForce in
            inForce.failures.removeAll { $0.part == .record }
            if let unkept { inForce.failures.append(unkept) }
        }
        return events
    }

    private func remind(_ context: TLSContext, _ state: inout State, _ moment: Date) -> [CredentialEvent] {
        guard let end = context.revocationListEnds, end < moment else { return [] }
        if let said = state.saidOverdue, moment.timeIntervalSince(said).magnitude < Self.reminder {
            return []
        }
        state.saidOverdue = moment
        return [.listOverdue(since: end)]
    }

    /// Tells it once for as long as it stays the same.
    private static func fail(
        _ failure: inout CredentialFailure?,
        _ part: CredentialPart,
        _ error: TLSError,
        _ moment: Date,
        _ events: inout [CredentialEvent]
    ) {
        if failure?.error == error { return }
        let fresh = CredentialFailure(part: part, error: error, since: failure?.since ?? moment)
        failure = fresh
        events.append(.refused(fresh))
    }

    private static func isDue(_ last: Date, _ moment: Date) -> Bool {
        moment.timeIntervalSince(last).magnitude >= patience
    }
}
