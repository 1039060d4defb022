package import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// `orders/standing.json` in the agent's state directory.
package struct OrderStore: Sendable {
    package enum Found: Hashable, Sendable {
        case none
        case order(StandingOrder)
        case unreadable(reason: String)
    }

    /// What an order says before anything else of it is believed.
    private struct Form: Codable, Bounded {
        let format: Int
        func check() throws(OutOfBounds) {}
    }

    /// More than any order can be.
    private static let sizeLimit = 16 << 20

    /// Seconds without a coordinator after which a kept order that was never to lapse is alarmed on.
    private static let usualPatience = 120

    package let path: String
    /// How long what it holds has until it lapses.
    package let clock: LapseClock
    private let folder: String
    private let patience: Duration

    /// How long whoever changes an order may keep another waiting: more than the programs of any firewall take.
    package static let patience = Duration.seconds(30)

    package init(stateDirectory: String, clock: LapseClock? = nil, patience: Duration = OrderStore.patience) {
        self.patience = patience
        folder = stateDirectory + "/orders"
        path = folder + "/standing.json"
        self.clock = clock ?? LapseClock(stateDirectory: stateDirectory)
    }

    /// Changes nothing.
    package func read() -> Found {
        let content: [UInt8]
        do throws(BoundedFile.Failure) {
            let file = try BoundedFile(reading: path, limit: Self.sizeLimit, followingLinks: false)
            guard file.status.st_uid == 0 || file.status.st_uid == geteuid() else {
                return .unreadable(reason: "it belongs to user \(file.status.st_uid)")
            }
            content = file.bytes
        } catch {
            switch error {
            case .unreadable(let failure) where failure.code == ENOENT: return .none
            case .unreadable(let failure): return .unreadable(reason: failure.reason)
            case .notRegular: return .unreadable(reason: "it is no plain file")
            case .tooLarge: return .unreadable(reason: systemReason(EFBIG))
            }
        }
        guard case .sound(let object) = SealedJSON.open(content) else {
            return .unreadable(reason: "its checksum does not match: it was damaged on the disk")
        }
        do throws(WireProblem) {
            let format = try WireJSON.decode(Form.self, from: Data(object)).format
            guard format == StandingOrder.format else {
                return .unreadable(
                    reason: "its format is \(format), and this version knows \(StandingOrder.format)"
                )
            }
            return .order(try WireJSON.decode(StandingOrder.self, from: Data(object)))
        } catch {
            return .unreadable(reason: "\(error)")
        }
    }

    /// For people and coordinators: one that cannot be read is told as such.
    package var state: OrderState? { state() }

    /// - Parameter attendance: nil where nobody could have heard a coordinator.
    func state(_ attendance: Attendance? = nil) -> OrderState? {
        switch read() {
        case .none: nil
        case .order(let order):
            OrderState(
                run: order.run,
                since: order.since,
                held: order.held.map(\.service),
                phase: order.phase,
                lapsesIn: order.phase == .provisional
                    ? order.lapse.map { clock.secondsLeft(of: $0.seconds) } : nil,
                unattended: order.phase == .kept
                    ? attendance?.missing(longerThan: order.lapse?.seconds ?? Self.usualPatience) : nil,
                problem: order.lapse?.problem
            )
        case .unreadable(let reason):
            OrderState(unreadable: OrderError.unreadable(path: path, reason: reason).description)
        }
    }

    /// Nil when there is none.
    package func order() throws(OrderError) -> StandingOrder? {
        switch read() {
        case .none: nil
        case .order(let order): order
        case .unreadable(let reason): throw .unreadable(path: path, reason: reason)
        }
    }

    /// On disk when it returns, and with it whether it may lapse.
    ///
    /// | a crash after | found | what becomes of it |
    /// |---|---|---|
    /// | the clock of one that may lapse was begun | a clock alone | whoever watches it finds no order, and removes it |
    /// | the order was written | both | |
    /// | one that is kept was written | a clock and a kept order | likewise: a kept order never lapses |
    ///
    /// - Parameter isFirst: whether the time that a coordinator has begins with it, whatever clock was left.
    package func write(_ order: StandingOrder, beginningAnew isFirst: Bool = false) throws(OrderError) {
        do {
            if mkdir(folder, 0o700) == 0 {
                try DurableFile.flushDirectory(of: folder)
            } else if errno != EEXIST {
                throw SystemCallError.last("make the folder of")
            }
            if order.isWatched, let lapse = order.lapse, isFirst || !clock.exists {
                try clock.begin(seconds: lapse.seconds)
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            try DurableFile.replace(path, with: SealedJSON.seal(encoder.encode(order)) + Array("\n".utf8))
            if !order.isWatched { try clock.end() }
        } catch let error as SystemCallError {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        } catch let error as OrderError {
            throw error
        } catch {
            throw .storage(path: path, operation: "encode", reason: "\(error)")
        }
    }

    /// Whatever it says, and none is fine; gone from the disk when this returns.
    package func drop() throws(OrderError) {
        guard unlink(path) == 0 else {
            if errno == ENOENT { return try clock.end() }
            throw .storage(path: path, operation: "remove", reason: systemReason())
        }
        try clock.end()
        do throws(SystemCallError) { try DurableFile.flushDirectory(of: path) } catch {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        }
    }

    /// Waits for whoever is changing the order, or its rules because of it; throws `.busy` when that one does not come to an
    /// end: it may hang, and nothing on this host may hang with it.
    ///
    /// Nil when there is no folder, hence no order; and where it cannot be locked, when nobody else can lock it either.
    package func turn() async throws(OrderError) -> OrderTurn? {
        let (path, patience) = (folder + "/lock", patience)
        let taken = await BlockingThread.run { () -> Result<OrderTurn, FileLock.Failure> in
            do throws(FileLock.Failure) {
                return .success(OrderTurn(try FileLock(path, whenHeld: .within(patience))))
            } catch {
                return .failure(error)
            }
        }
        switch taken {
        case .success(let turn): return turn
        case .failure(.held): throw .busy(lock: path, seconds: patience.components.seconds)
        case .failure(.unopened), .failure(.unlockable): return nil
        }
    }
}

/// Kept for as long as an order and its rules are changed together; the kernel ends it with its holder.
package final class OrderTurn: Sendable {
    private let lock: FileLock

    fileprivate init(_ lock: consuming FileLock) { self.lock = lock }
}
