internal import Synchronization
internal import SystemCalls

/// A context that follows its files: certificate, key, authority and revocation list may be replaced at any
/// time.
///
/// The files' stamps are compared at each new connection. A set of files that cannot be used is reported
/// once and leaves the last good context in force.
package final class ReloadingTLSContext: Sendable {
    private struct State {
        var context: TLSContext
        /// Of the last attempt, good or bad: a bad set of files is not tried again until it changes.
        var stamps: [FileStamp?]
    }

    private let files: TLSFiles
    private let state: Mutex<State>
    private let report: @Sendable (Result<CertificateFacts, TLSError>) -> Void

    /// `report` hears of every later reload, successful or not, on the thread that asked for the context.
    package init(
        files: TLSFiles,
        trustDomain: TrustDomain,
        role: TLSContext.Role,
        report: @escaping @Sendable (Result<CertificateFacts, TLSError>) -> Void
    ) throws(TLSError) {
        let context = try TLSContext(files: files, trustDomain: trustDomain, role: role)
        self.files = files
        self.report = report
        state = Mutex(State(context: context, stamps: context.stamps))
    }

    /// The context for the next connection.
    package func current() -> TLSContext {
        let (context, outcome) = state.withLock { state in
            let stamps = files.stamps()
            guard stamps != state.stamps else { return (state.context, Outcome?.none) }
            state.stamps = stamps
            do throws(TLSError) {
                let last = state.context
                let fresh = try TLSContext(files: files, trustDomain: last.trustDomain, role: last.role)
                state = State(context: fresh, stamps: fresh.stamps)
                return (fresh, .success(fresh.certificate))
            } catch {
                return (state.context, .failure(error))
            }
        }
        if let outcome { report(outcome) }
        return context
    }

    private typealias Outcome = Result<CertificateFacts, TLSError>
}
