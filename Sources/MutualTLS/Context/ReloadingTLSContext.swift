internal import Synchronization
internal import SystemCalls

/// A context that follows its files: certificate, key, authority and revocation list may be replaced at any
/// time.
///
/// The files' stamps are compared at each new connection. A set of files that cannot be used is reported
/// once and leaves the last good context in force.
package final class ReloadingTLSContext: Sendable {
    private let files: TLSFiles
    private let inForce: Mutex<TLSContext>
    /// Of the last attempt, good or bad: a bad set of files is not tried again until it changes.
    ///
    /// Held while the files are read.
    private let stamps: Mutex<[FileStamp?]>
    private let report: @Sendable (Result<CertificateFacts, TLSError>) -> Void

    /// `report` hears of every later reload, successful or not, on a thread of its own.
    package init(
        files: TLSFiles,
        trustDomain: TrustDomain,
        report: @escaping @Sendable (Result<CertificateFacts, TLSError>) -> Void
    ) throws(TLSError) {
        let context = try TLSContext(files: files, trustDomain: trustDomain)
        self.files = files
        self.report = report
        inForce = Mutex(context)
        stamps = Mutex(context.stamps)
    }

    /// The context in force, without a look at the files.
    package var latest: TLSContext { inForce.withLock { $0 } }

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
        let (context, outcome) = stamps.withLock { known in
            let last = latest
            let found = files.stamps()
            guard found != known else { return (last, Outcome?.none) }
            known = found
            do throws(TLSError) {
                let fresh = try TLSContext(files: files, trustDomain: last.trustDomain)
                known = fresh.stamps
                inForce.withLock { $0 = fresh }
                return (fresh, .success(fresh.certificate))
            } catch {
                return (last, .failure(error))
            }
        }
        if let outcome { report(outcome) }
        return context
    }

    private typealias Outcome = Result<CertificateFacts, TLSError>
}
