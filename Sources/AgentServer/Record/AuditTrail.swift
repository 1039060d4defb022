package import ControlProtocol
package import Logging
import Logs
import Synchronization
import SystemCalls

/// Who asked for what, from where, whether it was allowed, and what came of it.
///
/// | file | holds | bounded by |
/// |---|---|---|
/// | `audit.jsonl` | commands that were carried out, leases, what the host did by itself, what root did on it | 8 files of 8 MiB |
/// | `audit-requests.jsonl` | reads, and everything that was refused | the same; like requests share a line a minute |
///
/// Refusals, which many can cause, cannot push out what was done. Each line is chained to the one before (`AuditFile`), and
/// goes to the log as well, whatever the log's threshold, with its number and hash.
///
/// Another process may append to the same directory: `AuditTrail(directory:log:).append(line)` takes the file's lock, goes on
/// behind the newest line whoever wrote it, and returns once it is on disk.
package struct AuditTrail: Sendable {
    package typealias Line = AuditEntry

    private final class Books: Sendable {
        let acts: AuditFile
        let requests: AuditFile
        let throttle = Mutex(AuditThrottle())
        let isWaiting = Mutex(false)
        /// Refusals that nobody waits for, oldest first.
        let queue = Mutex<[Line]>([])
        /// Held from taking a line off the queue until it is written.
        let writing = Mutex(())

        init(_ directory: String) {
            acts = AuditFile(directory + "/audit.jsonl")
            requests = AuditFile(directory + "/audit-requests.jsonl")
        }
    }

    private let books: Books
    private var log: Logger
    private let start = ContinuousClock.now

    package init(directory: String, log: Logger) {
        books = Books(directory)
        self.log = log
        // They are evidence: no threshold keeps these lines out of the log.
        if log.logLevel > .info { self.log.logLevel = .info }
    }

    /// The newest line about what was done, as this process knows it; nil when there is none.
    package var head: AuditHead? { books.acts.head }

    /// Reads where an earlier agent stopped, so that `head` is known before anything is done.
    func look() {
        do throws(SystemCallError) { try books.acts.look() } catch {
            log.error(
                "audit file cannot be read",
                fields: ["path": books.acts.path, "call": error.call, "reason": error.reason]
            )
        }
    }

    /// Never stops a command: one that was carried out must be answered, also on a full disk.
    ///
    /// A line that cannot be written is logged, and counted in the next that can. What was refused is counted where like
    /// refusals came before it.
    package func append(_ line: Line) {
        guard line.allowed == false else { return write(line, to: books.acts) }
        if isTaken(line) { write(line, to: books.requests) }
    }

    /// For what changes nothing, or is asked for again and again.
    ///
    /// False when it was only counted, for which no disk is waited for.
    func takes(_ line: Line) -> Bool { isTaken(line) }

    /// For what is refused: it is written soon, and before `settle` returns.
    func writeSoon(_ line: Line) {
        books.queue.withLock { $0.append(line) }
        BlockingThread.start { drain() }
    }

    private func drain() {
        books.writing.withLock { _ in
            while let line = books.queue.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) {
                write(line, to: books.requests)
            }
        }
    }

    func write(_ line: Line, isAct: Bool) { write(line, to: isAct ? books.acts : books.requests) }

    /// Writes down what was counted, in minutes that are over or in all.
    package func settle(all: Bool = false) {
        drain()
        let now = ContinuousClock.now - start
        for line in books.throttle.withLock({ $0.due(at: all ? nil : now) }) {
            write(line, to: line.isAct ? books.acts : books.requests)
        }
    }

    private func isTaken(_ line: Line) -> Bool {
        let now = ContinuousClock.now - start
        let isTaken = books.throttle.withLock { $0.takes(line, at: now) }
        if !isTaken { settleLater() }
        return isTaken
    }

    private func settleLater() {
        let isFirst = books.isWaiting.withLock { isWaiting in
            defer { isWaiting = true }
            return !isWaiting
        }
        guard isFirst else { return }
        Task {
            do { try await Task.sleep(for: AuditThrottle.window) } catch { return }
            books.isWaiting.withLock { $0 = false }
            await BlockingThread.run { settle() }
            if books.throttle.withLock({ $0.isPending }) { settleLater() }
        }
    }

    private func write(_ line: Line, to file: AuditFile) {
        var place = "not written"
        do throws(SystemCallError) {
            let appended = try file.append(line)
            place = appended.head.description
            if let notice = appended.notice {
                log.error("audit file is not as it was left", fields: ["path": file.path, "reason": notice])
            }
        } catch {
            log.error(
                "audit line not written",
                fields: ["path": file.path, "call": error.call, "reason": error.reason]
            )
        }
        log.info(
            line.allowed == false ? "refused" : line.id == nil ? "request" : "command",
            fields: [
                "identity": line.identity, "serial": line.serial, "peer": line.peer,
                "run": line.run?.description ?? "-", "epoch": line.epoch?.description ?? "-",
                "id": line.id?.description ?? "-", "command": line.command, "outcome": line.outcome,
                "ms": String(line.milliseconds), "count": String(line.count ?? 1), "audit": place,
            ]
        )
    }
}

extension AuditEntry {
    /// What was counted of what is done again and again: renewals of leases.
    fileprivate var isAct: Bool { allowed != false && command.hasPrefix(RequestText.lease) }
}
