import ControlProtocol
import FoundationEssentials
import Glibc
import SystemCalls

/// The two files by which root on this host and the agent talk to each other.
struct LocalMailbox: Sendable {
    private static let sizeLimit = 1 << 16

    private let order: String
    private let answer: String
    /// On a full disk rules must be removable all the same.
    private let reserve: SpaceReserve

    init(directory: String) {
        reserve = SpaceReserve(directory: directory)
        order = directory + "/order.json"
        answer = directory + "/order-answer.json"
    }

    // MARK: - For whoever asks

    func put(_ wanted: LocalOrder) throws(AgentServerError) { try write(wanted, to: order) }

    func answer(to id: String) throws(AgentServerError) -> LocalAnswer? {
        guard let found = try read(LocalAnswer.self, from: answer), found.id == id else { return nil }
        return found
    }

    /// False when the agent has taken it already.
    func takeBack() -> Bool { unlink(order) == 0 }

    // MARK: - For the agent

    /// Nil when there is none.
    ///
    /// It is gone from then on, also when it cannot be understood.
    func take() throws(AgentServerError) -> LocalOrder? {
        defer { unlink(order) }
        return try read(LocalOrder.self, from: order)
    }

    func put(_ given: LocalAnswer) throws(AgentServerError) { try write(given, to: answer) }

    private func write(_ value: some Encodable, to path: String) throws(AgentServerError) {
        do {
            let content = [UInt8](try JSONEncoder().encode(value))
            try reserve.using { () throws(SystemCallError) in try DurableFile.replace(path, with: content) }
        } catch let error as SystemCallError {
            throw .storage(path: path, operation: error.call, reason: error.reason)
        } catch {
            throw .storage(path: path, operation: "encode", reason: "\(error)")
        }
    }

    private func read<Value: Decodable & Bounded>(_ type: Value.Type, from path: String)
        throws(AgentServerError)
        -> Value?
    {
        let file: BoundedFile
        do throws(BoundedFile.Failure) {
            file = try BoundedFile(reading: path, limit: Self.sizeLimit, followingLinks: false)
        } catch {
            switch error {
            case .unreadable(let failure) where failure.code == ENOENT: return nil
            case .unreadable(let failure):
                throw .storage(path: path, operation: failure.call, reason: failure.reason)
            case .notRegular: throw .storage(path: path, operation: "read", reason: "it is no plain file")
            case .tooLarge: throw .storage(path: path, operation: "read", reason: systemReason(EFBIG))
            }
        }
        guard file.status.st_uid == 0 || file.status.st_uid == geteuid() else {
            throw .notOurs(reason: "\(path) belongs to user \(file.status.st_uid); it is not obeyed")
        }
        do throws(WireProblem) { return try WireJSON.decode(type, from: Data(file.bytes)) } catch {
            throw .storage(path: path, operation: "understand", reason: "\(error)")
        }
    }
}
